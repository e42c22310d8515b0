package config

import (
	"errors"
	"fmt"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// draft is a Config with the values that make sense only together.
type draft struct {
	Config
	hosts         string
	port          int
	tls           tlsFiles
	will, birth   willOrBirth
	channelLayers string
	redisURL      string
}

// finish makes of the values what they are together. It hands each fault to
// the given function, under the name of the setting that is to be changed.
func (d *draft) finish(fault func(env string, err error)) {
	check := func(env string, err error) {
		if err != nil {
			fault(env, err)
		}
	}
	var err error
	d.Broker.Servers, err = parseServers(d.hosts, d.port, d.tls.wanted())
	check("MQTT_HOST", err)
	check("MQTT_PASSWORD", d.checkPassword())
	d.finishTLS(check)
	d.Broker.Will = d.willOrBirth("MQTT_WILL", d.will, check)
	d.Broker.Birth = d.willOrBirth("MQTT_BIRTH", d.birth, check)
	d.finishLayer(check)
	check("HTTP_PPROF", d.checkPprof())
	check("MQTT_SESSIONS", d.checkSessions())
}

// checkPassword keeps to [MQTT-3.1.2-22], which allows no password alone.
func (d *draft) checkPassword() error {
	if d.Broker.Password != "" && d.Broker.User == "" {
		return errors.New("a password needs a user: set MQTT_USER too")
	}
	return nil
}

// checkSessions keeps to what can be: a layer without storage has no queues in which
// commands find their sessions.
func (d *draft) checkSessions() error {
	if d.Layer.PubSub && d.Broker.Sessions > 1 {
		return errors.New("several sessions need the core back end, because the pub/sub back end stores no commands: leave this at 1, or change the back end")
	}
	return nil
}

// checkPprof keeps profiles, which show memory, from everybody else.
func (d *draft) checkPprof() error {
	if d.HTTP.Pprof && d.HTTP.Listen != "" && !isLoopback(d.HTTP.Listen) {
		return errors.New("profiles are served on loopback only: give HTTP_LISTEN as 127.0.0.1:8083, or leave this off")
	}
	return nil
}

func (d *draft) finishLayer(check func(string, error)) {
	if d.UsesChannelLayers() {
		var err error
		d.Layer, err = parseChannelLayers(d.channelLayers)
		check("CHANNEL_LAYERS", err)
		return
	}
	d.Layer = defaultLayer()
	options, err := parseRedis(d.redisURL)
	d.Layer.Hosts = []Host{{Redis: options}}
	check("REDIS_URL", err)
}

// willOrBirth is a will or birth message.
type willOrBirth struct {
	topic, payload string
	qos            byte
	retain         bool
}

func (d *draft) willOrBirth(prefix string, t willOrBirth, check func(string, error)) *messages.Message {
	if t.topic == "" {
		for _, part := range []string{"_PAYLOAD", "_QOS", "_RETAIN"} {
			if d.Source(prefix+part) != Default {
				check(prefix+part, fmt.Errorf("it needs a topic: set %s_TOPIC too", prefix))
			}
		}
		return nil
	}
	check(prefix+"_TOPIC", topic.ValidateName(t.topic))
	return &messages.Message{Topic: t.topic, Payload: []byte(t.payload), QoS: t.qos, Retain: t.retain}
}
