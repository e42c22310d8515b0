package layer

import (
	"slices"
	"strconv"
	"strings"

	"chanmqttproxy/messages"
)

// A preview has at most so many names of one map, and so many bytes of each.
const (
	maxPreviewNames = 16
	maxPreviewName  = 40
)

// preview shows a message of the command channel without what it holds: its
// type, and the names of its keys and of those inside its publish.
func (c *Client) preview(member []byte) string {
	body, err := c.body(string(member))
	if err != nil {
		return "not a message: " + err.Error()
	}
	v, _ := body.Get("type")
	typ := "no type"
	if text, ok := v.(string); ok {
		typ = brief(text)
	}
	inner, _ := body.Get("publish")
	publish, _ := inner.(messages.Map)
	return typ + " " + keyNames(body, publish)
}

// keyNames lists the keys of a map but "type", with those of publish behind that.
func keyNames(m, publish messages.Map) string {
	var list []string
	for _, p := range m {
		switch {
		case p.Key == "publish" && publish != nil:
			list = append(list, "publish "+keyNames(publish, nil))
		case p.Key != "type":
			list = append(list, brief(p.Key))
		}
	}
	slices.Sort(list)
	if len(list) > maxPreviewNames {
		list = append(list[:maxPreviewNames], "…")
	}
	return "{" + strings.Join(list, ", ") + "}"
}

// brief makes what a stranger wrote short and printable.
func brief(s string) string {
	if len(s) > maxPreviewName {
		return brief(s[:maxPreviewName]) + "…"
	}
	quoted := strconv.Quote(s)
	return quoted[1 : len(quoted)-1]
}
