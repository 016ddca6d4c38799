package evidence

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/vectors"
)

var update = flag.Bool("update", false, "write docs/evidence.md, and its sum in README.md, anew")

const (
	page   = "docs/evidence.md"
	readme = "README.md"

	// idsShown is how many vectors the page names of one structure: some stand in nearly all.
	idsShown = 5
)

func vectorFiles(t *testing.T) []string {
	files, err := filepath.Glob(filepath.Join(vectors.Dir(t), "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	return files
}

// collect fills the registry with what the vectors and recordings prove.
func collect(t *testing.T) *registry {
	r := structures(t)
	vector := func(id string, in map[string]bool) {
		for name := range in {
			if s := r.byName[name]; s != nil && !slices.Contains(s.vectors, id) {
				s.vectors = append(s.vectors, id)
			}
		}
	}
	records := map[string]map[string]bool{}
	record := func(id string, in map[string]bool) {
		if records[id] == nil {
			records[id] = map[string]bool{}
		}
		maps.Copy(records[id], in)
	}
	ropVectors(t, vector)
	bodyVectors(t, vector)
	streamVectors(t, vector)
	claimed(t, vector)
	executes(t, record)
	exchanges(t, record)
	streams(t, record)
	for _, in := range records {
		for name := range in {
			if s := r.byName[name]; s != nil {
				s.recorded++
			}
		}
	}
	for _, s := range r.byName {
		slices.Sort(s.vectors)
	}
	return r
}

const introduction = `# Evidence

What shows, for each structure that OpenCDO reads and writes, that it does so right. A codec with two fields in the wrong
order agrees with itself for ever; so only what comes from outside counts here.

This page is written by a test (` + "`go test ./internal/evidence -update`" + `) and checked by it.

- **vectors**: worked examples of the specifications, captures published elsewhere, readings by mfcmapi, and examples made
  by hand from the text of a specification (` + "`constructed-`" + `). They are decoded and encoded again to the same bytes or, where
  one meaning has several encodings, to the same meaning; the tests of the packages compare their fields with what the vector says.
- **recorded**: how many exchanges between a client and a server of others it stands in. Each is decoded and encoded again to
  the same bytes, together with all that stands around it (a Boolean that was sent as 0xFF comes back as 1). That proves
  sizes, counts and conditions; of two fields of the same size it cannot say which is which. A response counts where it has its
  body, so mostly not where it reports a failure.
- **elsewhere**: files and programs of others.

What has none of these is **unproven**: written after the specification, tested against ourselves.
`

// write is the page.
func (r *registry) write() string {
	var b strings.Builder
	b.WriteString(introduction)
	fmt.Fprintf(&b, "\n%s.\n", r.sum())
	for _, g := range r.groups {
		fmt.Fprintf(&b, "\n## %s\n\n| structure | specification | vectors | recorded | elsewhere | status |\n| --- | --- | --- | ---: | --- | --- |\n", g.title)
		for _, s := range g.structures {
			recorded, status := "", "**unproven**"
			if s.recorded > 0 {
				recorded = strconv.Itoa(s.recorded)
			}
			if s.proven() {
				status = "proven"
			}
			ids := strings.Join(s.vectors[:min(len(s.vectors), idsShown)], ", ")
			if n := len(s.vectors) - idsShown; n > 0 {
				ids += fmt.Sprintf(" and %d more", n)
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", s.name, s.section, ids, recorded, s.elsewhere, status)
		}
	}
	return b.String()
}

// sum tells the state in one line.
func (r *registry) sum() string {
	proven, all := 0, 0
	for _, g := range r.groups {
		for _, s := range g.structures {
			all++
			if s.proven() {
				proven++
			}
		}
	}
	return fmt.Sprintf("%d of %d structures are proven, %d are not", proven, all, all-proven)
}

var (
	row     = regexp.MustCompile(`(?m)^\| (.*?) \| (.*?) \| (.*?) \| (.*?) \| (.*?) \| (.*?) \|$`)
	sumText = regexp.MustCompile(`\d+ of \d+ structures are proven, \d+ are not`)
)

// readPage reads what the page says.
func readPage(t *testing.T) map[string]*structure {
	list := map[string]*structure{}
	for _, m := range row.FindAllStringSubmatch(string(read(t, filepath.Join(root(t), page))), -1) {
		if m[1] == "structure" || m[1] == "---" {
			continue
		}
		s := &structure{name: m[1], section: m[2], elsewhere: m[5]}
		if ids, _, _ := strings.Cut(m[3], " and "); ids != "" {
			s.vectors = strings.Split(ids, ", ")
		}
		if m[4] != "" {
			var err error
			if s.recorded, err = strconv.Atoi(m[4]); err != nil {
				t.Errorf("%s: %v", s.name, err)
			}
		}
		if s.proven() != (m[6] == "proven") {
			t.Errorf("%s: %s says %s", s.name, page, m[6])
		}
		list[s.name] = s
	}
	return list
}

const writeAnew = "; write it anew: go test ./internal/evidence -update"

func TestEveryStructureIsListed(t *testing.T) {
	if *update {
		t.Skip("the page is being written")
	}
	r, listed := structures(t), readPage(t)
	for name := range r.byName {
		if listed[name] == nil {
			t.Errorf("%s lacks %s%s", page, name, writeAnew)
		}
	}
	sum := registry{groups: []*group{{}}}
	for name, s := range listed {
		if r.byName[name] == nil {
			t.Errorf("%s lists %s, which there isn't%s", page, name, writeAnew)
		}
		sum.groups[0].structures = append(sum.groups[0].structures, s)
	}
	for _, file := range []string{page, readme} {
		if got := sumText.FindString(string(read(t, filepath.Join(root(t), file)))); got != sum.sum() {
			t.Errorf("%s says %q, the list says %q%s", file, got, sum.sum(), writeAnew)
		}
	}
}

func TestVectorsProveWhatIsListed(t *testing.T) {
	r := collect(t)
	if *update {
		text := string(read(t, filepath.Join(root(t), readme)))
		for file, content := range map[string]string{page: r.write(), readme: sumText.ReplaceAllLiteralString(text, r.sum())} {
			if err := os.WriteFile(filepath.Join(root(t), file), []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	more := 0
	for name, says := range readPage(t) {
		is := r.byName[name]
		if is == nil {
			continue
		}
		for _, id := range says.vectors {
			if !slices.Contains(is.vectors, id) {
				t.Errorf("%s: %s claims vector %s, which doesn't prove it%s", name, page, id, writeAnew)
			}
		}
		if says.recorded > is.recorded {
			t.Errorf("%s: %s claims %d recorded exchanges, there are %d%s", name, page, says.recorded, is.recorded, writeAnew)
		}
		if says.elsewhere != is.elsewhere {
			t.Errorf("%s: %s claims %q, known is %q%s", name, page, says.elsewhere, is.elsewhere, writeAnew)
		}
		if len(is.vectors) > len(says.vectors) && len(says.vectors) < idsShown || is.recorded > says.recorded {
			more++
		}
	}
	if more > 0 {
		t.Logf("there is more evidence for %d structures than %s says%s", more, page, writeAnew)
	}
}
