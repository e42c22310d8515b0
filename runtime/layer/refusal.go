package layer

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// refusal is a kind of answer by which Redis refuses to do what it is asked, in words
// for whoever runs the site; the zero one: it is none of those.
type refusal struct{ kind, words string }

// unknownCommand is what both wordings of Redis for a missing command mean.
var unknownCommand = refusal{"unknown command", "Redis does not know a command that the worker needs: it is older than 5, or the command is renamed or disabled there"}

// answerKind is a kind of refusal and the words that its answers contain.
type answerKind struct {
	contain string
	refusal
}

// refusals are the kinds that differ for the worker.
var refusals = []answerKind{
	{"OOM ", refusal{"OOM", "Redis has reached maxmemory and refuses to write: raise it, or find out what fills Redis"}},
	{"MISCONF ", refusal{"MISCONF", "Redis cannot save to its disk, and refuses to write until it can: is the disk full, and may Redis write there? its own log says more"}},
	{"READONLY ", refusal{"READONLY", "this Redis is a replica, to which nothing can be written: give its master, or Sentinels, in CHANNEL_LAYERS or REDIS_URL"}},
	{"NOREPLICAS ", refusal{"NOREPLICAS", "Redis has too few replicas and refuses to write (min-replicas-to-write): start them again"}},
	{"max number of clients", refusal{"clients", "Redis takes no more connections (maxclients): raise it, or find out who holds so many"}},
	{"WRONGTYPE ", refusal{"WRONGTYPE", "a key of the channel layer holds something of another type: another program writes to it; delete the key, or use another prefix here and in the site"}},
	{"NOPERM ", refusal{"NOPERM", "the user of Redis has too few rights: runtime/layer/README.md lists those that the worker needs"}},
	{"unknown command", unknownCommand},
	{"Unknown Redis command", unknownCommand},
	{"undeclared key", refusal{"undeclared key", "this server lets a script use only the keys that a command names beforehand, as Dragonfly does: start it with --default_lua_flags=allow-undeclared-keys"}},
	{"LATE ", refusal{"LATE", "this worker could not renew its lease on the session slot in time"}},
}

// refusalIn says which kind an answer is of.
func refusalIn(answer string) refusal {
	i := slices.IndexFunc(refusals, func(k answerKind) bool { return strings.Contains(answer, k.contain) })
	if i < 0 {
		return refusal{}
	}
	return refusals[i].refusal
}

// quiet is how long a kind of refusal must not have been seen to be said again.
const quiet = time.Minute

// Refusals are those that were logged, of all clients of a process, so that each kind is
// said once as long as it lasts. The zero value is ready.
type Refusals struct {
	mu   sync.Mutex
	seen map[string]time.Time
}

// fresh notes a kind at a host, and says whether it is to be logged.
func (r *Refusals) fresh(key string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	last, seen := r.seen[key]
	if r.seen == nil {
		r.seen = map[string]time.Time{}
	}
	r.seen[key] = now
	return !seen || now.Sub(last) > quiet
}
