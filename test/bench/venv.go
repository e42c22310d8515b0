package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"chanmqttproxy/test/kit"
)

// installVenv makes the virtual environment of a file of requirements, unless it is there.
func installVenv(ctx context.Context, requirements string) (venv string, err error) {
	_, err = withKit(func(t *bench) (map[string]float64, error) {
		venv = kit.Venv(t, requirements)
		return nil, nil
	})
	mark := filepath.Join(venv, "installed")
	if _, missing := os.Stat(mark); err != nil || missing == nil {
		return venv, err
	}
	script := `rm -rf "$0" && python3 -m venv "$0" && "$0/bin/pip" install --quiet --requirement "$1" && touch "$2"`
	if out, err := exec.CommandContext(ctx, "sh", "-c", script, venv, requirements, mark).CombinedOutput(); err != nil {
		return venv, fmt.Errorf("installing what %s names into %s: %w\n%s", requirements, venv, err, out)
	}
	return venv, nil
}
