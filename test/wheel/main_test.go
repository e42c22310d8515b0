// Package wheel_test installs the Python package as its users do, from a wheel into a
// fresh virtual environment, and runs it with Django sites and real servers.
package wheel_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"chanmqttproxy/test/kit"
)

func TestMain(m *testing.M) {
	code := m.Run()
	kit.RemoveShared()
	os.Exit(code)
}

// common is the virtual environment of all tests that only use it.
var common struct {
	sync.Mutex
	bin string
}

// programs is the folder of the programs of the common virtual environment.
func programs(t *testing.T) (bin string) {
	t.Helper()
	common.Lock()
	defer common.Unlock()
	if common.bin == "" {
		common.bin = fresh(t, kit.Shared(t))
	}
	return common.bin
}

// fresh makes a virtual environment with the newest Python, the wheel, and what a site
// needs beside it, as test/site pins it.
func fresh(t *testing.T, dir string) (bin string) {
	t.Helper()
	python := kit.Pythons("3.13", "3.12", "3.11")
	for _, version := range []string{"3.13", "3.12", "3.11"} {
		if path := python[version]; path != "" {
			return kit.FreshPython(t, filepath.Join(dir, "venv"), path,
				"--constraint", kit.SiteFile("requirements.txt"), "daphne", "redis")
		}
	}
	kit.Missing(t, "no Python 3.11 to 3.13 on this machine")
	return ""
}

// tutorial is the chat of the Channels tutorial on MQTT as the users of the replaced
// package have it, with its settings in the environment.
type tutorial struct {
	t   *testing.T
	bin string
	env []string
	dir string
	// settings is the file that a test wrote, if it did.
	settings string
}

// unchanged is the site as it was written; with other settings if a test writes some.
func unchanged(t *testing.T, bin string, env ...string) *tutorial {
	t.Helper()
	dir, err := filepath.Abs("../tutorial")
	if err != nil {
		t.Fatal(err)
	}
	return &tutorial{t: t, bin: bin, dir: dir, env: append([]string{
		"PATH=" + bin + ":/usr/bin:/bin", "HOME=" + t.TempDir(), "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1",
	}, env...)}
}

// with is the site with settings that follow those that it has.
func (s *tutorial) with(settings string) *tutorial {
	s.t.Helper()
	dir := s.t.TempDir()
	changed := *s
	changed.settings = filepath.Join(dir, "othersettings.py")
	changed.append("from mysite.settings import *\n" + settings)
	changed.env = append(changed.env[:len(changed.env):len(changed.env)], "PYTHONPATH="+dir, "DJANGO_SETTINGS_MODULE=othersettings")
	return &changed
}

// append adds lines to the settings that a test wrote.
func (s *tutorial) append(lines string) {
	s.t.Helper()
	file, err := os.OpenFile(s.settings, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = file.WriteString(lines)
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		s.t.Fatalf("writing settings: %v", err)
	}
}

func (s *tutorial) command(args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, "python"), append([]string{"manage.py"}, args...)...)
	cmd.Dir, cmd.Env = s.dir, s.env
	return cmd
}

// manage starts a command of manage.py that stays.
func (s *tutorial) manage(args ...string) *kit.Process {
	s.t.Helper()
	return kit.Start(s.t, strings.Join(args, " "), s.command(args...))
}

// run runs a command of manage.py and returns its exit code and output.
func (s *tutorial) run(args ...string) (int, string) {
	s.t.Helper()
	process := s.manage(args...)
	code := process.ExitCode(3 * time.Minute)
	return code, process.Output()
}

// prints waits until a process has written a text.
func prints(t *testing.T, p *kit.Process, text string) {
	t.Helper()
	kit.Eventually(t, 3*time.Minute, "it prints "+text, func() bool { return strings.Contains(p.Output(), text) })
}
