package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// All three are stamped by the linker:
// -ldflags "-X main.version=v1.2.3 -X main.commit=… -X main.date=2026-01-02T03:04:05Z".
// The date is the commit's, so that the same commit gives the same program.
var version, commit, date string

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  chanmqttproxy version",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(c.OutOrStdout(), versionLine())
			return failed(err)
		},
	}
}

// versionLine is what the program says of itself.
func versionLine() string {
	line := fmt.Sprintf("chanmqttproxy %s %s %s/%s, commit %s",
		versionOf(), runtime.Version(), runtime.GOOS, runtime.GOARCH, built(commit, "vcs.revision", "unknown"))
	if at := built(date, "vcs.time", ""); at != "" {
		line += " of " + at
	}
	if commit == "" && built("", "vcs.modified", "") == "true" {
		line += ", changed since"
	}
	return line
}

// versionOf falls back to what the go command knows: the version of the module,
// which is made from the commit where it was built in a checkout.
func versionOf() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "unknown"
	}
	return info.Main.Version
}

// built is what was stamped, else what the go command notes where it builds in a
// checkout, else the last.
func built(stamped, key, otherwise string) string {
	if stamped = strings.TrimSpace(stamped); stamped != "" {
		return stamped
	}
	info, _ := debug.ReadBuildInfo()
	if info == nil {
		return otherwise
	}
	for _, s := range info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return otherwise
}
