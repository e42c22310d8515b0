package layer

import (
	"sync"
	"time"
)

// maxUnread bounds how many queues are remembered; above it all are forgotten.
const maxUnread = 10000

// unread remembers the queues out of which messages were dropped for their age
// as we wrote: nobody had read them for as long as messages live. Where more are
// written than a queue holds, looking at what it holds does not tell, since all
// of it is soon new again.
type unread struct {
	mu   sync.Mutex
	last map[queueAt]time.Time
}

// queueAt is a queue on one host.
type queueAt struct {
	server *server
	key    string
}

// note remembers that messages were dropped out of a queue.
func (u *unread) note(s *server, key string, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.last == nil {
		u.last = map[queueAt]time.Time{}
	}
	if len(u.last) >= maxUnread {
		clear(u.last)
	}
	u.last[queueAt{s, key}] = now
}

// since says whether that was so since the given time.
func (u *unread) since(s *server, key string, limit time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	last, ok := u.last[queueAt{s, key}]
	if ok && last.Before(limit) {
		delete(u.last, queueAt{s, key})
	}
	return ok && !last.Before(limit)
}
