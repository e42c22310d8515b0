// Package routing decides who gets a message and what a subscribe or unsubscribe
// changes.
//
// A Table has a Route for each filter: its subscribers, what the broker is asked for, and
// whose commands wait for the broker's answer. Table.Match says which subscriptions get a
// delivery, and for which subscribers: a target gets it once, by the filter in which it has been
// for the longest. What changes the table says what follows as Effects, which the actor
// carries out.
//
// When a target leaves a filter its messages may come by another filter from then on. Gate holds
// what comes until the subscription has passed on what it had; without that, a message
// could overtake an earlier one.
package routing
