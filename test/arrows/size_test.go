package arrows_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// What a reader can take in at a time.
const (
	fileLines     = 300
	functionLines = 50
)

// sizes checks that no file and no function of the program is longer than a reader can take
// in. Tests may be.
func sizes(tree fs.FS) (faults []string, err error) {
	err = goFiles(tree, func(name string, text []byte) error {
		if lines := bytes.Count(text, []byte("\n")); lines > fileLines {
			faults = append(faults, fmt.Sprintf("%s has %d lines, more than %d", name, lines, fileLines))
		}
		set := token.NewFileSet()
		f, err := parse(tree, set, name)
		if err != nil {
			return err
		}
		for _, d := range f.Decls {
			function, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := set.Position(function.End()).Line - set.Position(function.Pos()).Line + 1; n > functionLines {
				faults = append(faults, fmt.Sprintf("%s: %s has %d lines, more than %d", name, function.Name.Name, n, functionLines))
			}
		}
		return nil
	})
	return faults, err
}

// goFiles reads the files of the program that are Go and no tests.
func goFiles(tree fs.FS, do func(name string, text []byte) error) error {
	return files(tree, func(name string, text []byte) error {
		if path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || within(path.Dir(name), "test") {
			return nil
		}
		return do(name, text)
	})
}

// files reads the files that people read, but those of this check.
func files(tree fs.FS, do func(name string, text []byte) error) error {
	return fs.WalkDir(tree, ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && (name == "test/arrows" || name != "." && strings.HasPrefix(e.Name(), ".") || slices.Contains([]string{"testdata", "node_modules", "__pycache__"}, e.Name())):
			return fs.SkipDir
		case e.IsDir() || !slices.Contains([]string{".go", ".js", ".lua", ".py", ".md"}, path.Ext(name)):
			return nil
		}
		text, err := fs.ReadFile(tree, name)
		if err == nil {
			err = do(name, text)
		}
		return err
	})
}

// gone are words that the program had for something for which there is a usual one, as words
// and as parts of names, and the former names of actors where they can mean nothing else.
var gone = regexp.MustCompile(`(?i)\b(` +
	`abroad|acquit(s|ted)?|adopted|attentive|audience|blame|buries|burying|complaints?|deaf|deeds?|editions?|farewell|guilty|happenings?|herald|in so many words|lest|lifelines?|misled|misunderstood|misuse|mouths?|` +
	`observers?|of before|poke[ds]?|proofs?|scenes?|shun(s|ned)?|speech|standing|strand|tall(y|ies)|testament|told of|unborn|unsteady|wayOf|whom)\b|` +
	`burial|buried|bury|byHand|LayerAway|newcomer|parked|parking|patience|quiesce|relaid|retained values?|Replay(Dead|Stream)Letters|serials?\b|suspects?\b|tenure|verdict|` +
	`members? of (a|the|its|this) (filter|route|subscription)\b|MemberInfo|messages\.Member\b|` +
	`layer\.Peer\b|peers? of (a|the)( \S+)? layer\b|` +
	`\b(broker|group|receiver|registry) actor\b|bridge/(broker|reader|registry)\b|ToReceiver|ToRegistry|ToGroup\b|` +
	`(Broker|Group|Member|Queue|Registry|Receiver|Route|Slot|Subscription)Facts|ReceiverStarted|Session(Failure|Started)`)

// kept are such words where they stay: as older versions have written them to Redis, and in
// what people say.
var kept = regexp.MustCompile(`"edition"|"newcomer"|[Ss]tanding by`)

// words checks that they do not come back.
func words(tree fs.FS) (faults []string, err error) {
	err = files(tree, func(name string, text []byte) error {
		if word := gone.FindString(strings.ReplaceAll(path.Base(name), "_", " ")); word != "" {
			faults = append(faults, fmt.Sprintf("%s has the word %q in its name", name, word))
		}
		for n, line := range bytes.Split(text, []byte("\n")) {
			if word := gone.Find(kept.ReplaceAll(line, nil)); word != nil {
				faults = append(faults, fmt.Sprintf("%s:%d has the word %q", name, n+1, word))
			}
		}
		return nil
	})
	return faults, err
}
