package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// credentialsVariable names the directory in which systemd puts the credentials
// of a service (LoadCredential=, SetCredential=), one file each.
const credentialsVariable = "CREDENTIALS_DIRECTORY"

// credentials reads the secrets that systemd passes, under their names in files:
// mqtt_password. Others may be for somebody else.
func (l *loader) credentials(environ []string) {
	dir := variable(environ, credentialsVariable)
	if dir == "" {
		return
	}
	place := Credential.String()
	entries, err := os.ReadDir(dir)
	if err != nil {
		l.fault(credentialsVariable+" ("+Environment.String()+")", fmt.Errorf("listing the credentials: %w", err))
		return
	}
	known, given := secretKeys(), map[string]any{}
	for _, entry := range entries {
		key := entry.Name()
		env, ok := known[key]
		if !ok {
			l.unknownCredential(key, sortedKeys(known))
			continue
		}
		content, err := os.ReadFile(filepath.Join(dir, key))
		if err != nil {
			l.fault(key+" ("+place+")", fmt.Errorf("reading the secret: %w", err))
			continue
		}
		given[env] = strings.TrimRight(string(content), "\r\n")
	}
	l.add(Credential, place, asKey, given)
}

// unknownCredential finds fault with a name next to that of a secret, and with
// that of a setting which is none.
func (l *loader) unknownCredential(key string, known []string) {
	where := key + " (" + Credential.String() + ")"
	if slices.Contains(names(asKey), key) {
		l.fault(where, errors.New("not a secret: give it in the environment or in a file"))
		return
	}
	if near := nearest(key, known, ""); near != "" {
		l.fault(where, fmt.Errorf("no such secret; did you mean %s?", near))
	}
}

// secretKeys leads from the secrets' names in files to those in the environment.
func secretKeys() map[string]string {
	keys := map[string]string{}
	for _, s := range settings {
		if s.secret {
			keys[asKey(s.env)] = s.env
		}
	}
	return keys
}

// variable is the last value of one in an environment.
func variable(environ []string, name string) string {
	value := ""
	for _, entry := range environ {
		if n, v, _ := strings.Cut(entry, "="); n == name {
			value = v
		}
	}
	return value
}
