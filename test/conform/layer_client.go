package conform

import (
	"context"
	"slices"
	"sync"
	"time"

	"chanmqttproxy/runtime/layer"
)

// LayerClient is a client of a channel layer that reads all its hosts at the same time, and
// connects again when it is asked for more after a failure.
type LayerClient struct {
	layer.Client
	mu       sync.Mutex
	readers  []layer.CommandReader
	buffered []layer.Message
}

// NewLayerClient makes one of a layer.Client, which it closes.
func NewLayerClient(c layer.Client) *LayerClient {
	return &LayerClient{Client: c, readers: make([]layer.CommandReader, len(c.Hosts()))}
}

// Receive waits for messages, and returns at most limit of them. A host that fails is tried
// again while others are there; it is an error when all have failed.
func (c *LayerClient) Receive(ctx context.Context, limit int) ([]layer.Message, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.buffered) == 0 {
		if err := c.receive(ctx, limit); err != nil {
			return nil, err
		}
	}
	n := min(limit, len(c.buffered))
	list := c.buffered[:n:n]
	c.buffered = c.buffered[n:]
	return list, nil
}

// receive reads into buffered.
func (c *LayerClient) receive(ctx context.Context, limit int) error {
	reading, stop := context.WithCancel(ctx)
	defer stop()
	errs := make([]error, len(c.readers))
	var mu sync.Mutex
	var all sync.WaitGroup
	for host := range c.readers {
		all.Go(func() {
			for again := true; again; again = reading.Err() == nil {
				list, err := c.receiveFrom(reading, host, limit)
				mu.Lock()
				c.buffered = append(c.buffered, list...)
				if errs[host] == nil || reading.Err() == nil {
					errs[host] = err // else it was told to stop
				}
				if err == nil || !slices.Contains(errs, nil) {
					stop()
				}
				mu.Unlock()
				time.Sleep(time.Millisecond)
			}
		})
	}
	all.Wait()
	if len(c.buffered) > 0 {
		return nil
	}
	return errs[0]
}

func (c *LayerClient) receiveFrom(ctx context.Context, host, limit int) ([]layer.Message, error) {
	var err error
	if c.readers[host] == nil {
		if c.readers[host], err = c.OpenReader(ctx, host, func(error) {}); err != nil {
			c.readers[host] = nil
			return nil, err
		}
	}
	list, err := c.readers[host].Receive(ctx, limit)
	if err != nil && ctx.Err() == nil {
		c.readers[host].Close()
		c.readers[host] = nil
	}
	return list, err
}
