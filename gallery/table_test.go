//go:build !windows

package gallery

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// kinds are those of the README's table.
const kinds = 34

// TestTable keeps the README's table true: a row for each script, with the checks that it counts and Examples that there are.
func TestTable(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	must(t, err)
	var examples strings.Builder
	files, err := filepath.Glob("../cdo/example_*test.go")
	must(t, err)
	for _, f := range files {
		text, err := os.ReadFile(f)
		must(t, err)
		examples.Write(text)
	}
	rows := regexp.MustCompile(`(?m)^\| (\d+) \|.*\| \[(.*)\]\(.*\) \| (.*) \| (\d+) \|`).FindAllStringSubmatch(string(readme), -1)
	if len(rows) != kinds {
		t.Errorf("the table has %d rows", len(rows))
	}
	for i, row := range rows {
		name, checks := row[2], row[4]
		if row[1] != fmt.Sprint(i+1) || !strings.HasPrefix(name, fmt.Sprintf("%02d-", i+1)) {
			t.Errorf("row %d is of %s", i+1, name)
		}
		for _, e := range regexp.MustCompile("`(Example.*?)`").FindAllStringSubmatch(row[3], -1) {
			if !strings.Contains(examples.String(), "func "+e[1]+"()") {
				t.Errorf("%s: there is no %s", name, e[1])
			}
		}
		out, err := os.ReadFile(strings.TrimSuffix(name, ".vbs") + ".txt")
		must(t, err)
		if lines := strings.Count(string(out), "\n"); fmt.Sprint(lines-1) != checks || !strings.HasSuffix(string(out), "\n"+checks+" checks\n") {
			t.Errorf("%s: %d lines, %s checks in the table", name, lines, checks)
		}
	}
}
