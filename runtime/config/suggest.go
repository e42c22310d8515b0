package config

// nearest returns the name that word is probably a misspelling of, or "": at
// most two letters wrong, and one in short words. The part they are all given
// (such as "MQTT_") does not count as a part of the word.
func nearest(word string, names []string, given string) string {
	best, least := "", 3
	if len(word)-len(given) < 6 {
		least = 2
	}
	for _, name := range names {
		if len(word) > len(name)+2 {
			continue
		}
		if d := distance(word, name); d < least {
			best, least = name, d
		}
	}
	return best
}

// distance is the number of letters to insert, delete, replace or swap with
// their neighbour to make b of a (optimal string alignment).
func distance(a, b string) int {
	var before []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		next := make([]int, len(b)+1)
		next[0] = i
		for j := 1; j <= len(b); j++ {
			next[j] = min(row[j]+1, next[j-1]+1, row[j-1]+unlike(a[i-1], b[j-1]))
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}

func unlike(a, b byte) int {
	if a == b {
		return 0
	}
	return 1
}

// didYouMean is the end of a sentence about an unknown name.
func didYouMean(word string, names []string) string {
	if name := aliasOf(word, names); name != "" {
		return "; did you mean " + name + "?"
	}
	if name := nearest(word, names, ""); name != "" {
		return "; did you mean " + name + "?"
	}
	return ""
}
