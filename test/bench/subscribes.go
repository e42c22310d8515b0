package main

import (
	"fmt"
	"net"
	"time"

	"github.com/eclipse/paho.golang/paho"
)

const (
	manyFilters = 100_000
	// perSubscribe is how many filters the worker puts into a SUBSCRIBE.
	perSubscribe = 500
)

// subscribeAlone is how many seconds mosquitto takes for the SUBSCRIBEs of 100,000 filters that
// a client sends which does nothing else. It sends them twice, and the second time counts: its
// session has the filters then, as that of a worker which is started again.
func (r *rig) subscribeAlone() (map[string]float64, error) {
	conn, err := net.Dial("tcp", "127.0.0.1:"+r.mqtt)
	if err != nil {
		return nil, err
	}
	client := paho.NewClient(paho.ClientConfig{Conn: conn, PacketTimeout: time.Minute})
	defer func() { _ = client.Disconnect(&paho.Disconnect{}) }()
	if _, err := client.Connect(r.ctx, &paho.Connect{ClientID: "subscribes", CleanStart: true, KeepAlive: 300}); err != nil {
		return nil, err
	}
	if err := r.subscribeAll(client); err != nil {
		return nil, err
	}
	began := time.Now()
	if err := r.subscribeAll(client); err != nil {
		return nil, err
	}
	return map[string]float64{"ready_s": time.Since(began).Seconds()}, nil
}

func (r *rig) subscribeAll(client *paho.Client) error {
	last := []string{"v", "v", "+", "#"} // as those of the load generator
	for first := 0; first < manyFilters; first += perSubscribe {
		s := &paho.Subscribe{}
		for n := range perSubscribe {
			s.Subscriptions = append(s.Subscriptions, paho.SubscribeOptions{Topic: fmt.Sprintf("bench/alone/%d/%s", first+n, last[n%len(last)]), QoS: 1})
		}
		if _, err := client.Subscribe(r.ctx, s); err != nil {
			return fmt.Errorf("subscribing to filters from %d on: %w", first, err)
		}
	}
	return nil
}
