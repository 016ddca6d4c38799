package restic

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// saveSeries stores snapshots of an empty tree, made at irregular times over some years on several servers.
func saveSeries(t *testing.T, r *Repository, n int) []*Snapshot {
	t.Helper()
	w, err := r.NewWriter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	tree, err := w.SaveTree(t.Context(), &Tree{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	when := time.Date(2023, 12, 31, 23, 30, 0, 0, time.UTC)
	var list []*Snapshot
	for range n {
		step := time.Duration(rng.IntN(90)) * time.Minute
		step *= []time.Duration{1, 1, 10, 100, 700}[rng.IntN(5)]
		when = when.Add(step + time.Second)
		s := &Snapshot{Time: when.In(time.FixedZone("", (rng.IntN(25)-12)*3600)), Tree: &tree, Hostname: []string{"one", "two"}[rng.IntN(2)],
			Paths: [][]string{{"/ada@example.com"}, {"/bob@example.com"}, {"/x", "/y"}, {"/y", "/x"}}[rng.IntN(4)]}
		for _, tag := range []string{"database", "run", "kept"} {
			if rng.IntN(4) == 0 {
				s.Tags = append(s.Tags, tag)
			}
		}
		if s.id, err = r.saveJSON(t.Context(), SnapshotFile, s); err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	return list
}

// The same policies choose the same snapshots as stock restic does.
func TestPolicyAsStock(t *testing.T) {
	r, dir := newRepo(t, cheap)
	s := newStock(t, dir)
	saveSeries(t, r, 160)
	var list []*Snapshot // as they come back from the repository
	for snapshot, err := range r.Snapshots(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, snapshot)
	}
	for _, flags := range []string{
		"--keep-last 1", "--keep-last 5", "--keep-last 500", "--keep-hourly 7", "--keep-daily 9", "--keep-weekly 6", "--keep-monthly 5", "--keep-yearly 3", "--keep-yearly 10",
		"--keep-last 2 --keep-daily 7 --keep-weekly 4 --keep-monthly 12 --keep-yearly 75",
		"--keep-within 3d", "--keep-within 2m5d7h", "--keep-within 1y", "--keep-within-hourly 10d", "--keep-within-daily 1m", "--keep-within-weekly 3m", "--keep-within-monthly 8m",
		"--keep-within-yearly 5y", "--keep-within-hourly 48h --keep-within-daily 14d --keep-within-monthly 1y", "--keep-tag kept --keep-last 1", "--keep-tag kept,run",
		"--keep-tag run --keep-tag database --keep-weekly 3", "--keep-daily 3 --group-by host", "--keep-daily 3 --group-by paths,tags", "--keep-last 4 --group-by tags",
		"--keep-weekly 8 --group-by ", "--keep-weekly 8 --group-by host,paths,tags", "--keep-hourly 5 --keep-within 1m --keep-tag database --group-by host",
	} {
		var p Policy
		group := DefaultGrouping
		args := strings.Split(flags, " ")
		for i := 0; i < len(args); i += 2 {
			name, value := args[i], args[i+1]
			var err error
			switch name {
			case "--group-by":
				group, err = ParseGrouping(value)
			case "--keep-tag":
				p.Tags = append(p.Tags, strings.Split(value, ","))
			default:
				numbers := map[string]*int{"--keep-last": &p.Last, "--keep-hourly": &p.Hourly, "--keep-daily": &p.Daily, "--keep-weekly": &p.Weekly, "--keep-monthly": &p.Monthly,
					"--keep-yearly": &p.Yearly}
				ages := map[string]*Age{"--keep-within": &p.Within, "--keep-within-hourly": &p.WithinHourly, "--keep-within-daily": &p.WithinDaily,
					"--keep-within-weekly": &p.WithinWeekly, "--keep-within-monthly": &p.WithinMonthly, "--keep-within-yearly": &p.WithinYearly}
				if n, ok := numbers[name]; ok {
					_, err = fmt.Sscan(value, n)
				} else {
					*ages[name], err = ParseAge(value)
				}
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		var theirs []struct {
			Host        string
			Paths, Tags []string
			Keep        []struct{ ID string }
		}
		if err := json.Unmarshal([]byte(s.run(append([]string{"forget", "--dry-run", "--json"}, args...)...)), &theirs); err != nil {
			t.Fatal(err)
		}
		var want, got []string
		for _, g := range theirs {
			for _, k := range g.Keep {
				want = append(want, fmt.Sprint(g.Host, g.Paths, g.Tags, k.ID))
			}
		}
		for _, g := range group.Split(list) {
			for _, v := range p.Apply(g.Snapshots) {
				if v.Keep {
					got = append(got, fmt.Sprint(g.Host, g.Paths, g.Tags, v.Snapshot.ID().String()))
				}
				if v.Keep != (len(v.Reasons) > 0) {
					t.Errorf("%s: %+v", flags, v)
				}
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: we keep %d, stock restic %d of %d", flags, len(got), len(want), len(list))
		}
	}
}

func TestEmptyPolicyKeepsAll(t *testing.T) {
	list := []*Snapshot{{Time: time.Unix(1, 0)}, {Time: time.Unix(2, 0)}}
	for _, v := range new(Policy).Apply(list) {
		if !v.Keep {
			t.Errorf("%+v", v)
		}
	}
}

func TestParseAge(t *testing.T) {
	for in, want := range map[string]Age{"1y6m": {1, 6, 0, 0}, "14d": {Days: 14}, "36h": {Hours: 36}, "2y5m7d3h": {2, 5, 7, 3}} {
		if a, err := ParseAge(in); err != nil || a != want || a.String() != in {
			t.Errorf("%s: %+v, %v", in, a, err)
		}
	}
	for _, in := range []string{"", "d", "1", "1w", "-1d", "1d2", "99999999999999999999d"} {
		if a, err := ParseAge(in); err == nil {
			t.Errorf("%s: %+v", in, a)
		}
	}
}
