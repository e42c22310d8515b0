// Package topic knows MQTT's topic names and topic filters: which are valid,
// which filter matches which name, how two filters relate, and a trie that
// finds the filters of a name without looking at the others.
//
// A topic name is what a message carries ("house/kitchen/lamp"). A topic
// filter is what a subscription asks for: "+" stands for one level, "#" as the
// last level for all that follow, itself included or not ("a/#" matches "a").
//
// Apart from ValidateName and ValidateFilter, functions expect valid names and
// filters; given others they answer something, but never panic. Nothing here
// treats $share/{name}/{filter} as the filter in it: cut the prefix off first.
package topic
