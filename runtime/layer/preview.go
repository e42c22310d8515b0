package layer

import (
	"slices"
	"strconv"
	"strings"
)

// A preview has at most so many names of one map, and so many bytes of each.
const (
	maxPreviewNames = 16
	maxPreviewName  = 40
)

// preview shows a message of the command channel without what it holds: its
// type, and the names of its keys and of those inside its publish.
func (c *Core) preview(member string) string {
	body, err := c.codec.plain(c.behindPrefix(member))
	if err != nil {
		return "not a message: " + err.Error()
	}
	typ := "no type"
	names, ok := keyNames(body, func(key string, value raw) string {
		switch key {
		case "type":
			if text, ok := value.text(); ok {
				typ = brief(text)
			}
			return ""
		case "publish":
			if names, ok := keyNames(value, func(key string, _ raw) string { return brief(key) }); ok {
				return "publish " + names
			}
		}
		return brief(key)
	})
	if !ok {
		return "not a message: the top is not a dict"
	}
	return typ + " " + names
}

// keyNames lists the first names that a dict's keys have, sorted; "" is none. It
// returns false where v is no dict.
func keyNames(v raw, name func(key string, value raw) string) (string, bool) {
	var list []string
	more := ""
	ok := v.entries(func(key string, value raw) {
		switch named := name(key, value); {
		case named == "" || named == asgiChannel || slices.Contains(list, named):
		case len(list) == maxPreviewNames:
			more = ", …"
		default:
			list = append(list, named)
		}
	})
	slices.Sort(list)
	return "{" + strings.Join(list, ", ") + more + "}", ok
}

// brief makes what a stranger wrote short and printable.
func brief(s string) string {
	if len(s) > maxPreviewName {
		return brief(s[:maxPreviewName]) + "…"
	}
	quoted := strconv.Quote(s)
	return quoted[1 : len(quoted)-1]
}
