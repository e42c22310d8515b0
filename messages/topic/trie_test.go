package topic_test

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"chanmqttproxy/messages/topic"
)

// TestTrie fills a trie with every small filter, takes them away again in
// random order, and compares it with the plain functions on the way.
func TestTrie(t *testing.T) {
	t.Parallel()
	filters, topics := everyFilter(), everyTopic()
	rng := rand.New(rand.NewPCG(1, 2))
	rng.Shuffle(len(filters), func(i, j int) { filters[i], filters[j] = filters[j], filters[i] })

	var trie topic.Trie[string]
	for i, filter := range filters {
		trie.Set(filter, new(string))
		trie.Set(filter, &filter)
		if i%50 == 0 {
			compare(t, &trie, filters[:i+1], topics)
		}
	}
	compare(t, &trie, filters, topics)
	for len(filters) > 0 {
		filter := filters[0]
		filters = filters[1:]
		if !trie.Delete(filter) || trie.Delete(filter) {
			t.Fatalf("Delete(%q) did not tell what it did", filter)
		}
		if len(filters)%50 == 0 {
			compare(t, &trie, filters, topics)
		}
	}
}

// compare checks that the trie holds exactly the filters, each as its own
// value, and finds what the plain functions find.
func compare(t *testing.T, trie *topic.Trie[string], filters, topics []string) {
	t.Helper()
	if trie.Len() != len(filters) {
		t.Fatalf("Len() = %d, want %d", trie.Len(), len(filters))
	}
	for _, name := range topics {
		same(t, "Match", name, values(trie.Match(name, nil)), filters, func(filter string) bool {
			return topic.Match(filter, name)
		})
	}
	var all []string
	trie.Each(func(filter *string) { all = append(all, *filter) })
	same(t, "Each", "all", all, filters, func(string) bool { return true })
	for _, query := range everyFilter() {
		value, stored := trie.Get(query)
		if stored != slices.Contains(filters, query) || stored && *value != query {
			t.Fatalf("Get(%q) = %v, %v", query, value, stored)
		}
		same(t, "Overlapping", query, values(trie.Overlapping(query, nil)), filters, func(filter string) bool {
			return filter != query && topic.Overlap(filter, query)
		})
	}
}

func values[V any](found []*V) (list []V) {
	for _, value := range found {
		list = append(list, *value)
	}
	return list
}

// same checks that found are those of the filters that belong, each once.
func same(t *testing.T, function, query string, found, filters []string, belongs func(string) bool) {
	t.Helper()
	var want []string
	for _, filter := range filters {
		if belongs(filter) {
			want = append(want, filter)
		}
	}
	slices.Sort(found)
	slices.Sort(want)
	if !slices.Equal(found, want) {
		t.Fatalf("%s(%q) = %q, want %q", function, query, found, want)
	}
}

func TestTrieKeepsWhatWasFound(t *testing.T) {
	t.Parallel()
	var trie topic.Trie[int]
	one, two := 1, 2
	trie.Set("a/+", &two)
	if got := values(trie.Match("a/b", []*int{&one})); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("Match appended to [1]: %v", got)
	}
	if got := values(trie.Overlapping("#", []*int{&one})); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("Overlapping appended to [1]: %v", got)
	}
	if trie.Delete("a") || trie.Delete("a/+/b") || trie.Delete("a/+/#") || trie.Len() != 1 {
		t.Error("Delete took away what was not there")
	}
}

// TestTrieMemory is not parallel, so that the heap is its own.
func TestTrieMemory(t *testing.T) {
	var trie topic.Trie[int]
	before := heap()
	fill(&trie, 100_000)
	full := heap() - before
	t.Logf("100,000 filters take %d bytes each", full/100_000)
	if full > 100_000*240 {
		t.Errorf("100,000 filters take %d bytes, want at most 240 each", full)
	}
	for i := range 100_000 {
		trie.Delete(device(i))
	}
	if left := heap() - before; left > 100_000 {
		t.Errorf("after the last was deleted, %d bytes are still in use", left)
	}
	runtime.KeepAlive(&trie)
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func device(i int) string { return "site/device-" + strconv.Itoa(i) + "/state" }

func fill(trie *topic.Trie[int], n int) {
	for i := range n {
		trie.Set(device(i), new(int))
	}
}

func TestTrieMatchAllocatesNothing(t *testing.T) {
	var trie topic.Trie[int]
	fill(&trie, 100)
	trie.Set("site/+/state", new(int))
	trie.Set("site/#", new(int))
	found := make([]*int, 0, 3)
	allocs := testing.AllocsPerRun(100, func() { found = trie.Match("site/device-7/state", found[:0]) })
	if allocs != 0 || len(found) != 3 {
		t.Errorf("%v allocations, found %d of 3", allocs, len(found))
	}
}

// FuzzTrie stores the lines of a text that are valid filters.
func FuzzTrie(f *testing.F) {
	f.Add("a/+\na/#\n#\n+/b", "a/b")
	f.Add("$SYS/#\n+/x\n/#\n+", "$SYS/x")
	f.Add("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n+", "j")
	f.Fuzz(func(t *testing.T, text, name string) {
		if topic.ValidateName(name) != nil {
			return
		}
		var trie topic.Trie[string]
		var filters []string
		for filter := range strings.SplitSeq(text, "\n") {
			if topic.ValidateFilter(filter) == nil && !slices.Contains(filters, filter) {
				filters = append(filters, filter)
				trie.Set(filter, &filter)
			}
		}
		for len(filters) > 0 {
			same(t, "Match", name, values(trie.Match(name, nil)), filters, func(filter string) bool {
				return topic.Match(filter, name)
			})
			query := filters[0]
			same(t, "Overlapping", query, values(trie.Overlapping(query, nil)), filters, func(filter string) bool {
				return filter != query && topic.Overlap(filter, query)
			})
			trie.Delete(query)
			filters = filters[1:]
		}
		if trie.Len() != 0 || len(trie.Overlapping("#", nil)) != 0 {
			t.Error("the trie is not empty at the end")
		}
	})
}

func BenchmarkTrieMatch(b *testing.B) {
	for _, n := range []int{100, 100_000} {
		b.Run(strconv.Itoa(n)+"Filters", func(b *testing.B) {
			var trie topic.Trie[int]
			fill(&trie, n)
			trie.Set("site/+/state", new(int))
			names := make([]string, 1024)
			for i := range names {
				names[i] = device(i * 97 % n)
			}
			found := make([]*int, 0, 4)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				found = trie.Match(names[i%len(names)], found[:0])
			}
		})
	}
}

func BenchmarkTrieOverlapping(b *testing.B) {
	var trie topic.Trie[int]
	fill(&trie, 100_000)
	found := make([]*int, 0, 4)
	b.ReportAllocs()
	for b.Loop() {
		found = trie.Overlapping("site/device-5/+", found[:0])
	}
}

func BenchmarkTrieSetDelete(b *testing.B) {
	var trie topic.Trie[int]
	fill(&trie, 100_000)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		filter := device(100_000 + i%1000)
		trie.Set(filter, new(int))
		trie.Delete(filter)
	}
}
