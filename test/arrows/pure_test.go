package arrows_test

import (
	"fmt"
	"go/ast"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// waiting are the functions of package time that look at the clock, or wait.
var waiting = []string{"time.Now", "time.Since", "time.Until", "time.Sleep", "time.After", "time.AfterFunc", "time.Tick", "time.NewTimer", "time.NewTicker"}

// purity checks that the packages below actors decide and do nothing else: they take the
// time as a value, start no goroutine, log nothing and reach nothing outside. And it checks
// that env, which every actor has, holds the address of none.
func purity(tree fs.FS) ([]string, error) {
	var faults []string
	err := eachFile(tree, "actors", func(name string, f *ast.File) {
		switch dir := path.Dir(name); {
		case strings.HasSuffix(name, "_test.go"):
		case pure(dir):
			for _, fault := range effects(f) {
				faults = append(faults, name+" "+fault)
			}
		case dir == "actors" && envHoldsRef(f):
			faults = append(faults, name+" gives env a Ref")
		}
	})
	return faults, err
}

// effects are what a file does besides deciding.
func effects(f *ast.File) (faults []string) {
	for _, spec := range f.Imports {
		to, _ := strconv.Unquote(spec.Path.Value)
		root, _, _ := strings.Cut(to, "/")
		if slices.Contains([]string{"context", "log", "net", "os"}, root) && to != "net/url" {
			faults = append(faults, "imports "+to)
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			faults = append(faults, "starts a goroutine")
		case *ast.SelectorExpr:
			if called := typeName(n); slices.Contains(waiting, called) {
				faults = append(faults, fmt.Sprintf("calls %s", called))
			}
		}
		return true
	})
	return faults
}

// envHoldsRef says whether the file declares env with a field that is a Ref, or all of them.
func envHoldsRef(f *ast.File) (holds bool) {
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok || spec.Name.Name != "env" {
			return true
		}
		ast.Inspect(spec.Type, func(n ast.Node) bool {
			ident, ok := n.(*ast.Ident)
			holds = holds || ok && (ident.Name == "Ref" || ident.Name == "refs")
			return true
		})
		return false
	})
	return holds
}
