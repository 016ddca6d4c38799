package evidence

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module       = "github.com/opencdo/opencdo"
	architecture = "docs/architecture.md"
	testsOnly    = "tests only"
)

// floor is a line of the table of floors; the first is the highest.
type floor struct {
	name     string
	packages []string
}

func floors(t *testing.T) (list []floor) {
	text := string(read(t, filepath.Join(root(t), architecture)))
	_, text, _ = strings.Cut(text, "\n## Floors\n")
	text, _, _ = strings.Cut(text, "\n## ")
	quoted := regexp.MustCompile("`([^`]+)`")
	for line := range strings.Lines(text) {
		cells := strings.Split(line, " | ")
		if len(cells) != 3 {
			continue
		}
		f := floor{name: strings.TrimPrefix(cells[0], "| ")}
		for _, m := range quoted.FindAllStringSubmatch(cells[1], -1) {
			f.packages = append(f.packages, m[1])
		}
		if len(f.packages) > 0 {
			list = append(list, f)
		}
	}
	if len(list) < 2 {
		t.Fatalf("%s has no table of floors", architecture)
	}
	return list
}

// TestArrowsPointDownwards checks the imports of all packages against the floors: of what is compiled on any system, but
// not of tests, which may compare anything with anything.
func TestArrowsPointDownwards(t *testing.T) {
	list := floors(t)
	on := func(pkg string) int {
		return slices.IndexFunc(list, func(f floor) bool {
			return slices.ContainsFunc(f.packages, func(p string) bool { ok, _ := path.Match(p, pkg); return ok })
		})
	}
	found := map[string]bool{}
	err := filepath.WalkDir(root(t), func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".")) {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(root(t), filepath.Dir(file))
		if err != nil {
			return err
		}
		pkg := filepath.ToSlash(rel)
		if pkg == "." {
			pkg = "opencdo"
		}
		here := on(pkg)
		if here < 0 {
			if !found[pkg] {
				t.Errorf("%s is on no floor: add it to the table in %s", pkg, architecture)
			}
			found[pkg] = true
			return nil
		}
		found[pkg] = true
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, i := range f.Imports {
			p, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			imported, ours := strings.CutPrefix(p, module)
			if !ours || imported != "" && imported[0] != '/' {
				continue
			}
			imported = strings.TrimPrefix(imported, "/")
			if imported == "" {
				imported = "opencdo"
			}
			there := on(imported)
			switch {
			case list[here].name == testsOnly:
			case there < 0:
				t.Errorf("%s imports %s, which is on no floor", filepath.Base(file), imported)
			case list[there].name == testsOnly:
				t.Errorf("%s of %s imports %s, which is for tests only", filepath.Base(file), pkg, imported)
			case there <= here:
				t.Errorf("%s of %s (%s) imports %s (%s): that is not downwards", filepath.Base(file), pkg, list[here].name, imported, list[there].name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 10 {
		t.Fatalf("only %d packages found", len(found))
	}
}
