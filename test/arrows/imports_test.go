package arrows_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

const module = "chanmqttproxy/"

// imports checks the arrows between packages:
//
//	cmd -> runtime/worker -> runtime/*, actors -> messages -> messages/topic -> std
//
// An arrow may skip steps, but only runtime/worker knows actors and the
// others of runtime/. Tests may import test/..., and those of runtime/ the
// ports in actors, which suites are made of. Packages below actors know neither it nor
// the actor library. runtime/deploy holds no package, but
// files that its tests compare with the others of runtime/.
func imports(tree fs.FS) ([]string, error) {
	var faults []string
	err := eachFile(tree, ".", func(name string, f *ast.File) {
		for _, spec := range f.Imports {
			to, err := strconv.Unquote(spec.Path.Value)
			if err == nil && !allowed(name, to) {
				faults = append(faults, fmt.Sprintf("%s imports %s", name, strings.TrimPrefix(to, module)))
			}
		}
	})
	return faults, err
}

// allowed tells whether the file may import a package.
func allowed(name, to string) bool {
	from, test := path.Dir(name), strings.HasSuffix(name, "_test.go")
	to, ours := strings.CutPrefix(to, module)
	switch {
	case !ours:
		foreign := strings.Contains(strings.Split(to, "/")[0], ".")
		return !foreign || test || !within(from, "messages") && !pure(from)
	case within(from, "test"):
		return !within(to, "cmd")
	case within(to, "test"):
		return test
	case pure(from) && to == "actors":
		return test
	case from == "actors" && pure(to), slices.Contains(below[from], to), pure(from) && slices.Contains(counters, to):
		return true
	case unit(from) == unit(to):
		return true
	case from == "messages/topic":
		return false
	case within(to, "messages"):
		return true
	case from == "runtime/deploy":
		return test && within(to, "runtime")
	case from == "runtime/worker":
		return within(to, "runtime") || to == "actors"
	case within(from, "runtime"):
		return test && to == "actors"
	case within(from, "cmd"):
		return within(to, "runtime")
	}
	return false
}

// counters are the packages that all others below actors may use, and below are the arrows
// between these.
var (
	counters = []string{"actors/stats", "actors/trail"}
	below    = map[string][]string{
		"actors/delivery": {"actors/retained"},
		"actors/hint":     {"actors/reconcile"},
		"actors/routing":  {"actors/placement"},
	}
)

// within tells whether a package is the folder or stands below it.
func within(dir, folder string) bool {
	return dir == folder || strings.HasPrefix(dir, folder+"/")
}

// pure tells whether a package decides, and leaves what follows to the actors: it knows
// neither them nor the library.
func pure(dir string) bool { return within(dir, "actors") && dir != "actors" }

// unit is the part of a path within which packages may import each other.
func unit(dir string) string {
	parts := strings.SplitN(dir, "/", 3)
	return strings.Join(parts[:min(2, len(parts))], "/")
}

// eachFile parses every Go file below a folder, if there is such a folder.
func eachFile(tree fs.FS, folder string, do func(name string, f *ast.File)) error {
	if _, err := fs.Stat(tree, folder); err != nil {
		return nil
	}
	return fs.WalkDir(tree, folder, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && name != "." && (strings.HasPrefix(e.Name(), ".") || e.Name() == "testdata") {
			return fs.SkipDir
		}
		if e.IsDir() || path.Ext(name) != ".go" {
			return nil
		}
		f, err := parse(tree, token.NewFileSet(), name)
		if err == nil {
			do(name, f)
		}
		return err
	})
}

func parse(tree fs.FS, set *token.FileSet, name string) (*ast.File, error) {
	text, err := fs.ReadFile(tree, name)
	if err != nil {
		return nil, err
	}
	return parser.ParseFile(set, name, text, parser.SkipObjectResolution)
}
