package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// Both are stamped by the linker: -ldflags "-X main.version=v1.2.3 -X main.commit=…".
var version, commit string

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  chanmqttproxy version",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(c.OutOrStdout(), "chanmqttproxy %s %s %s/%s, commit %s\n",
				versionOf(), runtime.Version(), runtime.GOOS, runtime.GOARCH, commitOf())
			return failed(err)
		},
	}
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

// commitOf falls back to what the go command notes where it builds in a checkout.
func commitOf() string {
	if commit != "" {
		return commit
	}
	found, changed := "unknown", ""
	info, _ := debug.ReadBuildInfo()
	if info == nil {
		return found
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			found = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = ", changed since"
		}
	}
	return found + changed
}
