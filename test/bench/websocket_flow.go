package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/gorilla/websocket"
)

// A pageFlow comes to the WebSocket of a page.
type pageFlow struct {
	*flow
	socket *websocket.Conn
	frames int // with messages
}

// newPageFlow opens a page, and returns when the broker has granted its subscription.
// close is to be called.
func (r *rig) newPageFlow(address string, batch int) (*pageFlow, error) {
	sender, err := r.newFlow(1)
	if err != nil {
		return nil, err
	}
	f := &pageFlow{flow: sender}
	if f.socket, _, err = websocket.DefaultDialer.DialContext(r.ctx, fmt.Sprintf("ws://%s/%s/%d/", address, f.name, batch), nil); err != nil {
		f.flow.close()
		return nil, fmt.Errorf("opening the WebSocket of a page: %w", err)
	}
	_ = f.socket.SetReadDeadline(time.Now().Add(spreadTimeout))
	if list, err := f.next(); err != nil || len(list) > 0 {
		f.close()
		return nil, errors.Join(fmt.Errorf("the page wrote %s, want that it is subscribed", list), err)
	}
	_ = f.socket.SetReadDeadline(time.Time{})
	go f.read()
	return f, nil
}

func (f *pageFlow) close() {
	f.flow.close()
	_ = f.socket.Close()
}

// next are the topics and payloads of the next frame.
func (f *pageFlow) next() (list [][2]json.RawMessage, err error) {
	_, frame, err := f.socket.ReadMessage()
	if err == nil {
		err = json.Unmarshal(frame, &list)
	}
	return list, err
}

// read notes what comes, until the flow is closed.
func (f *pageFlow) read() {
	for {
		list, err := f.next()
		at := time.Since(f.began)
		f.mu.Lock()
		if err != nil {
			f.failed = err
			f.mu.Unlock()
			return
		}
		f.frames++
		for _, m := range list {
			f.note(string(m[1]), at)
		}
		f.mu.Unlock()
	}
}

// counts are how many messages were sent, how many came, and in how many frames.
func (f *pageFlow) counts() (sent, came, frames int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.sent), len(f.arrivals), f.frames
}
