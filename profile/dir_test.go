package profile

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/opencdo/opencdo/internal/secret"
	"github.com/opencdo/opencdo/internal/settings"
	"github.com/opencdo/opencdo/mapi"
)

// drawer keeps secrets in memory.
type drawer struct {
	mu   sync.Mutex
	kept map[secret.Name]string
}

func newDrawer() *drawer { return &drawer{kept: map[secret.Name]string{}} }

func (d *drawer) Get(n secret.Name) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, ok := d.kept[n]
	if !ok {
		return "", mapi.ErrNotFound
	}
	return s, nil
}

func (d *drawer) Set(n secret.Name, s string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.kept[n] = s
	return nil
}

func (d *drawer) Remove(n secret.Name) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.kept[n]; !ok {
		return mapi.ErrNotFound
	}
	delete(d.kept, n)
	return nil
}

func (d *drawer) List() ([]secret.Name, error) { return slices.Sorted(maps.Keys(d.kept)), nil }
func (d *drawer) Where() string                { return "memory" }

func names(t *testing.T, d *Dir) (list []string) {
	t.Helper()
	for p, err := range d.All() {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p.Name)
	}
	return list
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestLifeOfProfiles(t *testing.T) {
	home, keeps := t.TempDir(), newDrawer()
	d := Open(home, keeps)
	if got := names(t, d); len(got) != 0 {
		t.Errorf("at first %v", got)
	}
	p := exchangeProfile(t, map[string]string{"PR_PROFILE_UNRESOLVED_NAME": "anna"})
	s, _ := p.Exchange()
	s.SetSecret(TagAuthPassword, "correct horse")
	if printed := fmt.Sprintf("%v %+v %#v %+v", p, s, s, *s); strings.Contains(printed, "horse") {
		t.Errorf("printed: %s", printed)
	}
	must(t, d.Create(p))
	if err := d.Create(p); !errors.Is(err, mapi.ErrCollision) {
		t.Errorf("created twice: %v", err)
	}
	raw, err := os.ReadFile(filepath.Join(home, FolderName, "work.json"))
	must(t, err)
	if strings.Contains(string(raw), "horse") || !strings.Contains(string(raw), `"PR_PROFILE_UNRESOLVED_NAME"`) || !strings.Contains(string(raw), `"anna"`) {
		t.Errorf("the file:\n%s", raw)
	}
	password := func(name string) string {
		p, err := d.Load(name)
		must(t, err)
		s, err := d.Password(p)
		if err != nil && !errors.Is(err, mapi.ErrNotFound) {
			t.Fatal(err)
		}
		return s
	}
	if password("WORK") != "correct horse" { // names compare without regard to case
		t.Error("the password is lost")
	}
	must(t, d.SetDefault("Work"))
	must(t, d.Copy("work", "Home / office?"))
	must(t, d.Rename("work", "Travel"))
	if got := names(t, d); !slices.Equal(got, []string{"Home / office?", "Travel"}) {
		t.Errorf("profiles %q", got)
	}
	if def, err := d.Default(); err != nil || def != "Travel" {
		t.Errorf("default %q, %v", def, err)
	}
	must(t, d.Rename("travel", "TRAVEL"))
	must(t, d.Edit("Home / Office?", func(p *Profile) error {
		s, _ := p.Exchange()
		s.SetSecret(TagAuthPassword, "battery staple")
		return nil
	}))
	if password("travel") != "correct horse" || password("home / office?") != "battery staple" || len(keeps.kept) != 2 {
		t.Errorf("passwords %v", keeps.kept)
	}
	must(t, d.Edit("TRAVEL", func(p *Profile) error {
		s, _ := p.Exchange()
		s.Unset(TagAuthPassword)
		return nil
	}))
	if password("travel") != "" || len(keeps.kept) != 1 {
		t.Errorf("passwords %v", keeps.kept)
	}
	must(t, d.Remove("home / office?"))
	must(t, d.Remove("Travel"))
	if def, err := d.Default(); err != nil || def != "" || len(names(t, d)) != 0 || len(keeps.kept) != 0 {
		t.Errorf("left: %q, %v, %v", def, names(t, d), keeps.kept)
	}
	for what, err := range map[string]error{"removed": d.Remove("travel"), "copied": d.Copy("travel", "x"), "renamed": d.Rename("travel", "x"),
		"default": d.SetDefault("travel"), "edited": d.Edit("travel", func(*Profile) error { return nil })} {
		if !errors.Is(err, mapi.ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestCollisions(t *testing.T) {
	d := Open(t.TempDir(), nil)
	for _, n := range []string{"a", "b"} {
		p, err := New(n)
		must(t, err)
		must(t, d.Create(p))
	}
	if err := d.Copy("a", "B"); !errors.Is(err, mapi.ErrCollision) {
		t.Errorf("copied: %v", err)
	}
	if err := d.Rename("a", "B"); !errors.Is(err, mapi.ErrCollision) {
		t.Errorf("renamed: %v", err)
	}
	if got := names(t, d); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("left %v", got)
	}
}

func TestNamesOfProfiles(t *testing.T) {
	d := Open(t.TempDir(), nil)
	good := []string{"Outlook", "Ä ö ü", "a/b", "..", ".hidden", "con", "COM1.txt", "100%", "日本", strings.Repeat("x", 64), `"*?<>|:`}
	for _, n := range good {
		p, err := New(n)
		must(t, err)
		must(t, d.Create(p))
		if got, err := d.Load(strings.ToUpper(n)); err != nil || got.Name != n {
			t.Errorf("%q: %v", n, err)
		}
	}
	if got := names(t, d); len(got) != len(good) {
		t.Errorf("%d profiles: %q", len(got), got)
	}
	list, err := os.ReadDir(filepath.Join(d.home, FolderName))
	must(t, err)
	for _, e := range list {
		if strings.ContainsAny(e.Name(), `"*?<>|:/\`) || strings.HasPrefix(e.Name(), "con.") {
			t.Errorf("file %q", e.Name())
		}
	}
	for _, n := range []string{"", " a", "a ", "a\nb", `a\b`, strings.Repeat("x", 65), "\xff"} {
		if _, err := New(n); !errors.Is(err, mapi.ErrInvalidParameter) {
			t.Errorf("%q: %v", n, err)
		}
		if _, err := d.Load(n); !errors.Is(err, mapi.ErrInvalidParameter) {
			t.Errorf("load %q: %v", n, err)
		}
	}
}

func TestDamagedProfileIsNamedAndOthersFollow(t *testing.T) {
	d := Open(t.TempDir(), nil)
	for _, n := range []string{"a", "b", "c"} {
		p, err := New(n)
		must(t, err)
		must(t, d.Create(p))
	}
	path := filepath.Join(d.home, FolderName, "b.json")
	for text, line := range map[string]int{
		"{\n\"format\": \"opencdo profile 1\",\n\"name\": 7}": 3,
		"{\n\n\"format\"":        3,
		"{\"format\":\"other\"}": 1,
		"{\"format\":\"" + fileFormat + "\",\"name\":\"b\",\"sections\":[\n{\"uid\":\"" + strings.Repeat("1", 32) + "\",\"properties\":[\n{\"tag\":\"0x66230003\",\"value\":\"x\"}]}]}": 3,
		"{\"format\":\"" + fileFormat + "\",\"name\":\"b\",\"sections\":[\n{\"uid\":\"12\"}]}":                                                                                          2,
	} {
		must(t, os.WriteFile(path, []byte(text), 0o600))
		good := 0
		for p, err := range d.All() {
			var bad *settings.SyntaxError
			switch {
			case err == nil:
				good++
			case !errors.As(err, &bad) || bad.File != path || bad.Line != line:
				t.Errorf("%q: %v %v", text, p, err)
			}
		}
		if good != 2 {
			t.Errorf("%q: %d others", text, good)
		}
	}
}

func TestEditsAtOnce(t *testing.T) {
	d := Open(t.TempDir(), nil)
	must(t, d.Create(exchangeProfile(t, nil)))
	const edits = 20
	var wg sync.WaitGroup
	for range edits {
		wg.Go(func() {
			if err := Open(d.home, nil).Edit("work", func(p *Profile) error {
				s, _ := p.Exchange()
				n, _ := s.Number(TagConnectFlags)
				s.Set(TagConnectFlags, n+1)
				return nil
			}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	p, err := d.Load("work")
	must(t, err)
	s, _ := p.Exchange()
	if n, _ := s.Number(TagConnectFlags); n != edits {
		t.Errorf("%d of %d edits are there", n, edits)
	}
}

func TestServices(t *testing.T) {
	p := exchangeProfile(t, map[string]string{"PR_PROFILE_UNRESOLVED_NAME": "anna"})
	second, err := p.AddService("msems")
	must(t, err)
	if len(second.Section.uids(TagEMSMDBSectionUID)) != 1 {
		t.Error("a second account has no section of its own")
	}
	pst, err := p.AddService("MSUPST MS")
	must(t, err)
	p = saved(t, p)
	services := p.Services()
	if len(services) != 3 || !services[0].Default || services[1].Default || services[2].Name != "MSUPST MS" || services[2].Providers[0].Type != PSTStore {
		t.Errorf("services %+v", services)
	}
	if s, ok := p.Exchange(); !ok || s.UID != GlobalSection {
		t.Error("the first account isn't the default one")
	}
	p.setDefaultStore(second.Section.UID)
	if s, ok := p.Exchange(); !ok || s.UID == GlobalSection {
		t.Error("the default account doesn't follow the default store")
	}
	for _, svc := range services {
		must(t, p.RemoveService(svc.Section.UID))
	}
	if err := p.RemoveService(pst.Section.UID); !errors.Is(err, mapi.ErrNotFound) {
		t.Errorf("removed twice: %v", err)
	}
	if len(p.Sections) != 1 || len(p.Services()) != 0 {
		t.Errorf("left: %+v", p.Sections)
	}
}

// crashes is set in a process that makes a temporary profile and ends without closing it.
const crashes = "OPENCDO_TEST_CRASHES"

func TestTemporaryProfiles(t *testing.T) {
	set := settings.New()
	set.SetNumber(settings.CDO, settings.IgnoreNoPF, 1)
	info := Info{Server: personalised, Mailbox: "anna"}
	p, err := NewDynamic(info, set)
	must(t, err)
	if folder := os.Getenv(crashes); folder != "" {
		_, err := Temporary(folder, p, nil)
		must(t, err)
		os.Exit(0)
	}
	home, keeps := t.TempDir(), newDrawer()
	there := func() (n int) {
		list, _ := filepath.Glob(filepath.Join(home, FolderName, temporaryFolder, "*"+extension))
		return len(list)
	}
	s, _ := p.Exchange()
	s.SetSecret(TagAuthPassword, "correct horse")
	alive, err := Temporary(home, p, keeps)
	must(t, err)
	c, err := alive.Connection(set)
	if err != nil || c.Server != info.Server || c.Mailbox != info.Mailbox || !c.IgnoreNoPF || len(keeps.kept) != 1 {
		t.Errorf("%+v, %v", c, err)
	}
	if got := names(t, Open(home, nil)); len(got) != 0 {
		t.Errorf("others see %v", got)
	}
	crash := exec.Command(os.Args[0], "-test.run", "^TestTemporaryProfiles$")
	crash.Env = append(os.Environ(), crashes+"="+home)
	if out, err := crash.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if there() != 2 {
		t.Fatalf("%d profiles after the crash", there())
	}
	q, err := NewDynamic(info, settings.New())
	must(t, err)
	second, err := Temporary(home, q, keeps)
	must(t, err)
	if there() != 2 { // the living one and the new one
		t.Errorf("%d profiles after the next start", there())
	}
	if _, err := Temporary(home, alive.Profile, keeps); !errors.Is(err, mapi.ErrCollision) {
		t.Errorf("twice: %v", err)
	}
	must(t, alive.Save())
	must(t, alive.Close())
	must(t, alive.Close())
	must(t, second.Close())
	if list, _ := os.ReadDir(filepath.Join(home, FolderName, temporaryFolder)); len(list) != 0 || len(keeps.kept) != 0 {
		t.Errorf("left: %v, %v", list, keeps.kept)
	}
}
