// Package messages holds the messages of the actors.
//
// A message is a plain value. It holds no channel, function or context, and no address
// but that of a target's actor (Address). Nothing in it is changed once it has been sent,
// byte slices included.
// An imperative (Publish, Fetch) asks for something, a past participle (Granted, Settled)
// reports what happened. The comment at each says who sends it, and who receives it.
//
// Marker methods seal every message to its receivers: an address of type Ref[ToRouter]
// takes a ToRouter and nothing else, so a message to the wrong actor does not compile.
package messages

// What each actor receives. The markers are unexported, so only this package can add
// messages.
type (
	// ToBridge goes to the root, which starts and stops the others.
	ToBridge interface{ toBridge() }
	// ToCommands goes to the keeper of the commands under way.
	ToCommands interface{ toCommands() }
	// ToReader goes to the one that reads commands from Redis.
	ToReader interface{ toReader() }
	// ToRouter goes to the owner of the filter trie.
	ToRouter interface{ toRouter() }
	// ToSubscription goes to the owner of one filter.
	ToSubscription interface{ toSubscription() }
	// ToStore goes to the keeper of the subscriptions in Redis.
	ToStore interface{ toStore() }
	// ToFanout goes to the writer to one target (a group, a channel or a stream).
	ToFanout interface{ toFanout() }
	// ToRequests goes to the keeper of requests that wait for responses.
	ToRequests interface{ toRequests() }
	// ToSession goes to the MQTT session, which outlives its connections.
	ToSession interface{ toSession() }
	// ToConnection goes to one live MQTT connection.
	ToConnection interface{ toConnection() }
)
