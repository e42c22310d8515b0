package layer

import "context"

// KnownSession says whether RememberSession, or a Change, noted that MQTT client id for
// the same prefix and channel, on this Redis and on the data that it has now. Where Redis
// lost its data, or is another one, the session that the MQTT broker keeps under that id
// may hold subscriptions that nobody here knows of. Errors are *messages.LayerFailure.
func (c *Core) KnownSession(ctx context.Context, clientID string) (bool, error) {
	known, err := c.redis.SIsMember(ctx, c.keys.sessions(), clientID).Result()
	if err != nil {
		return false, c.failure("looking for the session marker of "+clientID, err)
	}
	return known, nil
}

// RememberSession notes an MQTT client id, as a Change does. Errors are *messages.LayerFailure.
func (c *Core) RememberSession(ctx context.Context, clientID string) error {
	if err := c.redis.SAdd(ctx, c.keys.sessions(), clientID).Err(); err != nil {
		return c.failure("noting the session marker of "+clientID, err)
	}
	return nil
}
