// Package messages is the language that the actors speak.
//
// A message is a plain value: no channel, function or context in it, no address but that
// of a target's actor (Address), and nothing in it is changed once it has been sent (byte
// slices included).
// Imperatives (Publish, Join) ask for something, past participles (Granted,
// Settled) tell what happened; the comment at each says who sends it and who gets it.
//
// Every message is sealed to its receivers by marker methods: an address of
// type Ref[ToRouter] takes a ToRouter and nothing else, so that a message to
// the wrong actor does not compile.
package messages

// What each actor understands. The markers are unexported: only this package
// can add to an actor's vocabulary.
type (
	// ToBridge is understood by the root, which starts and stops the others.
	ToBridge interface{ toBridge() }
	// ToReader is understood by the keeper of the commands under way.
	ToReader interface{ toReader() }
	// ToReceiver is understood by the one that waits for commands.
	ToReceiver interface{ toReceiver() }
	// ToRouter is understood by the owner of the filter trie.
	ToRouter interface{ toRouter() }
	// ToSubscription is understood by the owner of one filter.
	ToSubscription interface{ toSubscription() }
	// ToRegistry is understood by the keeper of the subscriptions in Redis.
	ToRegistry interface{ toRegistry() }
	// ToGroup is understood by the actor of one target (a group or a channel).
	ToGroup interface{ toGroup() }
	// ToRequests is understood by the keeper of requests that wait for responses.
	ToRequests interface{ toRequests() }
	// ToBroker is understood by the keeper of the MQTT session.
	ToBroker interface{ toBroker() }
	// ToSession is understood by the owner of one live MQTT connection.
	ToSession interface{ toSession() }
)
