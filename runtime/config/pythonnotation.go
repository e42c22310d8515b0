package config

import (
	"encoding/json"
	"regexp"
	"strings"
)

// literals are the tokens of a value in Python's notation: strings, words and numbers, and
// everything else by the character.
var literals = regexp.MustCompile(`(?s)"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[\w.+-]+|\S`)

// fromPython turns Python's notation (single quotes, tuples, True, commas at the end) into
// JSON that people may be shown: of texts there are only keys and the name of the back end,
// since secrets may stand in others. false: it is neither.
func fromPython(text string) (shown string, ok bool) {
	tokens := literals.FindAllString(text, -1)
	var whole, public strings.Builder
	key := ""
	for i, token := range tokens {
		next := ""
		if i+1 < len(tokens) {
			next = tokens[i+1]
		}
		value, known := token, token
		switch {
		case len(token) > 1 && (token[0] == '\'' || token[0] == '"'):
			value = quotedText(token)
			known = value
			if next == ":" {
				key = value
			} else if key != `"BACKEND"` {
				known = `"…"`
			}
		case token == "True", token == "False":
			value = strings.ToLower(token)
			known = value
		case token == "None":
			value, known = "null", "null"
		case token == "(":
			value, known = "[", "["
		case token == ")":
			value, known = "]", "]"
		case token == "," && strings.Contains(")]}", next) && next != "":
			continue
		case token == ":", token == ",":
			known += " "
		}
		whole.WriteString(value)
		public.WriteString(known)
	}
	var object map[string]any
	if json.Unmarshal([]byte(whole.String()), &object) != nil || len(object) == 0 {
		return "", false
	}
	return public.String(), true
}

// quotedText is a text in quotes of either kind, in JSON's.
func quotedText(token string) string {
	inner := token[1 : len(token)-1]
	if token[0] == '\'' {
		inner = strings.ReplaceAll(strings.ReplaceAll(inner, `\'`, `'`), `"`, `\"`)
	}
	return `"` + inner + `"`
}
