package arrows_test

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"io/fs"
	"slices"
	"strings"
)

// structs checks that the struct of an actor (an unexported type with a method
// Receive) is named only in the file that declares it: actors share a package,
// but know each other by messages alone.
func structs(tree fs.FS) ([]string, error) {
	names, err := fs.Glob(tree, "actors/*.go")
	if err != nil {
		return nil, err
	}
	set := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parse(tree, set, name)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return foreignUses(set, files), nil
}

func foreignUses(set *token.FileSet, files []*ast.File) []string {
	var faults []string
	for ident, object := range uses(set, files) {
		there, here := set.Position(object.Pos()).Filename, set.Position(ident.Pos()).Filename
		if isActor(object) && here != there {
			faults = append(faults, fmt.Sprintf("%s names %s of %s", here, object.Name(), there))
		}
	}
	slices.Sort(faults)
	return faults
}

// uses resolves the identifiers of the package. Imports are left unresolved:
// what is looked for is declared here.
func uses(set *token.FileSet, files []*ast.File) map[*ast.Ident]types.Object {
	info := types.Info{Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: none{}, Error: func(error) {}}
	_, _ = config.Check("actors", set, files, &info) // complains of the imports
	return info.Uses
}

type none struct{}

func (none) Import(string) (*types.Package, error) { return nil, errors.New("not imported") }

// isActor tells whether it is an unexported struct with a method Receive.
func isActor(object types.Object) bool {
	named, ok := object.Type().(*types.Named)
	if _, isType := object.(*types.TypeName); !ok || !isType || object.Exported() {
		return false
	}
	if _, isStruct := named.Underlying().(*types.Struct); !isStruct {
		return false
	}
	for method := range named.Methods() {
		if method.Name() == "Receive" {
			return true
		}
	}
	return false
}

// handlers checks that each message which an actor can be sent, as the marker
// methods in messages say (toRouter: actors/router.go), has a case there. An
// actor that has no file yet is left out.
func handlers(tree fs.FS) ([]string, error) {
	var faults []string
	cases := map[string][]string{}
	err := eachFile(tree, "actors", func(name string, f *ast.File) {
		cases[name] = caseTypes(f)
	})
	if err != nil {
		return nil, err
	}
	err = eachFile(tree, "messages", func(_ string, f *ast.File) {
		for _, m := range markers(f) {
			handled, exists := cases[m.file]
			if exists && !slices.Contains(handled, "messages."+m.message) {
				faults = append(faults, fmt.Sprintf("%s has no case for messages.%s", m.file, m.message))
			}
		}
	})
	return faults, err
}

type marker struct{ message, file string }

// markers are the methods toX of a file.
func markers(f *ast.File) []marker {
	var all []marker
	for _, d := range f.Decls {
		method, ok := d.(*ast.FuncDecl)
		if !ok || method.Recv == nil {
			continue
		}
		if actor, ok := strings.CutPrefix(method.Name.Name, "to"); ok && actor != strings.ToLower(actor) {
			all = append(all, marker{typeName(method.Recv.List[0].Type), "actors/" + strings.ToLower(actor) + ".go"})
		}
	}
	return all
}

// caseTypes are the types named in the type switches of a file.
func caseTypes(f *ast.File) []string {
	var all []string
	ast.Inspect(f, func(n ast.Node) bool {
		if clause, ok := n.(*ast.CaseClause); ok {
			for _, expression := range clause.List {
				all = append(all, typeName(expression))
			}
		}
		return true
	})
	return all
}

// typeName writes T, *T, p.T and *p.T without the star; "" for anything else.
func typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return typeName(e.X)
	case *ast.SelectorExpr:
		return cmp.Or(typeName(e.X), "?") + "." + e.Sel.Name
	case *ast.Ident:
		return e.Name
	}
	return ""
}
