package layer

import (
	"context"

	"chanmqttproxy/messages"
)

// KnownSession says whether a Change noted that MQTT client id for the same prefix
// and channel, on this Redis and on the data that it has now. Where Redis lost its
// data, or is another one, the session that the MQTT broker keeps under that id may
// hold subscriptions that nobody here knows of. Errors are *messages.LayerFailure.
func (c *Client) KnownSession(ctx context.Context, clientID string) (bool, error) {
	known, err := c.redis.SIsMember(ctx, c.keys.sessions(), clientID).Result()
	if err != nil {
		return false, c.failure("looking for the session marker of "+clientID, err)
	}
	return known, nil
}

// sessionsIn are the client ids that changes note.
func sessionsIn(changes []messages.Change) (ids []any) {
	for _, c := range changes {
		if c.Session != "" {
			ids = append(ids, c.Session)
		}
	}
	return ids
}
