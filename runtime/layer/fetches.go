package layer

import (
	"maps"
	"slices"
	"strconv"
	"sync"
)

// inflight knows the members that were handed out and not acknowledged, and by which fetch
// they came. Each fetch has an in-flight key of its own: a queue that is fetched whole becomes
// that key as it is, and goes with it when all is done. The key is registered as if it were
// that of a reader, so older versions of the worker take it over as they do any reader's.
type inflight struct {
	mu    sync.Mutex
	begun uint64
	known map[string]*fetch
}

// fetch is what one call took.
type fetch struct {
	name string // of its in-flight key, behind the colon
	left int    // how many members are known
	more bool   // the key may hold other members too
}

// begin names the next fetch of a reader. A name is not used again.
func (f *inflight) begin(reader string) *fetch {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begun++
	return &fetch{name: reader + "." + strconv.FormatUint(f.begun, 36)}
}

// add notes members of a fetch as handed out. It returns those that were not handed out
// before: a member comes again if another reader took this one for dead and put it back.
func (f *inflight) add(members []string, of *fetch) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known == nil {
		f.known = map[string]*fetch{}
	}
	fresh := members[:0]
	for _, m := range members {
		if f.known[m] != nil {
			of.more = true
			continue
		}
		f.known[m] = of
		of.left++
		fresh = append(fresh, m)
	}
	return fresh
}

func (f *inflight) remove(members []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range members {
		if of := f.known[m]; of != nil {
			of.left--
			delete(f.known, m)
		}
	}
}

// fetchPart is some of a fetch.
type fetchPart struct {
	*fetch
	members []string
}

// parts groups members by their fetches: whole are the fetches of which no other member is
// left. Members that are not known are done already.
func (f *inflight) parts(members []string) (whole, rest []fetchPart) {
	f.mu.Lock()
	defer f.mu.Unlock()
	parts := map[*fetch][]string{}
	for _, m := range members {
		if of := f.known[m]; of != nil {
			parts[of] = append(parts[of], m)
		}
	}
	for of, some := range parts {
		if !of.more && len(some) >= of.left && distinct(some) == of.left {
			whole = append(whole, fetchPart{of, some})
		} else {
			rest = append(rest, fetchPart{of, some})
		}
	}
	return whole, rest
}

func distinct(members []string) int {
	set := make(map[string]struct{}, len(members))
	for _, m := range members {
		set[m] = struct{}{}
	}
	return len(set)
}

// nameOf is that of the fetch by which a member came; "": it is not known.
func (f *inflight) nameOf(member string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if of := f.known[member]; of != nil {
		return of.name
	}
	return ""
}

// names are those of all fetches of which something is left.
func (f *inflight) names() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	set := map[string]struct{}{}
	for _, of := range f.known {
		set[of.name] = struct{}{}
	}
	return slices.Collect(maps.Keys(set))
}

// sums are the SHA-1 of all that were handed out, as find.lua wants them.
func (f *inflight) sums() []any {
	f.mu.Lock()
	known := slices.Collect(maps.Keys(f.known))
	f.mu.Unlock()
	sums := make([]any, len(known))
	for i, m := range known {
		sums[i] = sum(m)
	}
	return sums
}
