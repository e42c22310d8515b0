package messages

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxName is the longest name of a group or channel: Channels wants fewer than
// 100 characters.
const maxName = 99

// ValidGroup tells whether Channels takes the name of a group: 1 to 99 ASCII
// letters, digits, "-", "_" and ".". It is stricter than channels_redis, whose
// patterns let some Unicode characters and a newline at the end slip through;
// such names are read by Python but nobody should make them. Its errors say
// what is wrong without repeating the name.
func ValidGroup(name string) error {
	if err := validLength("a group name", name); err != nil {
		return err
	}
	return validCharacters("a group name", name)
}

// ValidStream tells whether a stream may have a name. The rules are those of groups.
func ValidStream(name string) error {
	if err := validLength("a stream name", name); err != nil {
		return err
	}
	return validCharacters("a stream name", name)
}

// ValidChannel tells whether Channels takes the name of a channel: like that
// of a group, with optionally one "!" in it, as in the names of consumers
// (self.channel_name). It is as strict as ValidGroup.
func ValidChannel(name string) error {
	if err := validLength("a channel name", name); err != nil {
		return err
	}
	process, consumer, _ := strings.Cut(name, "!")
	if process == "" {
		return errors.New(`a channel name must not begin with "!"`)
	}
	if strings.Contains(consumer, "!") {
		return errors.New(`a channel name must have at most one "!"`)
	}
	if err := validCharacters("a channel name", process); err != nil {
		return err
	}
	return validCharacters("a channel name", consumer)
}

// NonLocal returns the part of a channel name that names its queue in Redis:
// up to and including the first "!", or else the whole name.
func NonLocal(channel string) string {
	if i := strings.IndexByte(channel, '!'); i >= 0 {
		return channel[:i+1]
	}
	return channel
}

func validLength(what, name string) error {
	if name == "" {
		return fmt.Errorf("%s must not be empty", what)
	}
	if n := utf8.RuneCountInString(name); n > maxName {
		return fmt.Errorf("%s must have at most %d characters, this has %d", what, maxName, n)
	}
	return nil
}

func validCharacters(what, name string) error {
	i := strings.IndexFunc(name, func(r rune) bool { return !inName(r) })
	if i < 0 {
		return nil
	}
	r, _ := utf8.DecodeRuneInString(name[i:])
	return fmt.Errorf(`%s must hold only ASCII letters, digits, "-", "_" and ".", not %q`, what, r)
}

func inName(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.", r)
}
