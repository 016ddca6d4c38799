package settings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSettingsSurviveSaving(t *testing.T) {
	home := t.TempDir()
	s, err := Load(home)
	if err != nil {
		t.Fatal(err)
	}
	const entry = `contoso.test=https://mail.contoso.test,basic,none,false;odd\"one"=x`
	s.SetText(Messaging, RpcHttpProxyMap, entry)
	s.SetNumber(CDO, IgnoreNoPF, 1)
	if err := s.Save(home); err != nil {
		t.Fatal(err)
	}
	if s, err = Load(home); err != nil {
		t.Fatal(err)
	}
	if got, ok := s.Text(strings.ToUpper(Messaging), "rpchttpproxymap"); !ok || got != entry {
		t.Errorf("got %q, %v", got, ok)
	}
	if got, ok := s.Text(strings.Replace(Messaging, CurrentUser, "HKCU", 1), RpcHttpProxyMap); !ok || got != entry {
		t.Errorf("under the short name of the root: %q, %v", got, ok)
	}
	if n, ok := s.Number(CDO, IgnoreNoPF); !ok || n != 1 {
		t.Errorf("got %d, %v", n, ok)
	}
}

// 32-bit MAPI/CDO reads machine keys below Wow6432Node; exports of either view must do.
func TestBothViewsAreRead(t *testing.T) {
	for _, k := range []string{CDO, wow(CDO)} {
		s := New()
		s.SetNumber(k, IgnoreNoPF, 1)
		if !s.On("ignore no pf") {
			t.Errorf("%s isn't read", k)
		}
	}
	s := New()
	s.SetText(MessagingMachine, RpcHttpProxyMap, "machine")
	s.SetText(wow(MessagingMachine), RpcHttpProxyMap, "32-bit")
	if f, _ := s.Find(RpcHttpProxyMap); f.Value.String() != "32-bit" {
		t.Errorf("got %q", f.Value)
	}
	s.SetText(Messaging, RpcHttpProxyMap, "user")
	if f, _ := s.Find(RpcHttpProxyMap); f.Value.String() != "user" {
		t.Errorf("got %q", f.Value)
	}
}

func TestUnset(t *testing.T) {
	home := t.TempDir()
	s := New()
	s.SetText(`HKCU\A`, "x", "1")
	s.SetText(`HKCU\A\B`, "y", "2")
	s.SetText(`HKCU\AB`, "z", "3")
	if !s.Unset(`hkcu\a`, "X") || s.Unset(`HKCU\A`, "x") {
		t.Error("a value isn't removed once")
	}
	if !s.UnsetKey(`HKCU\A`) || s.UnsetKey(`HKCU\A`) {
		t.Error("a key isn't removed once")
	}
	if err := s.Save(home); err != nil {
		t.Fatal(err)
	}
	s, err := Load(home)
	if err != nil {
		t.Fatal(err)
	}
	if s.HasKey(`HKCU\A\B`) || !s.HasKey(`HKCU\AB`) {
		t.Error("the wrong keys are left")
	}
}

func TestLoadNamesTheLineAtFault(t *testing.T) {
	home := t.TempDir()
	for text, where := range map[string]string{
		"REGEDIT5\n": "line 1", header + "\n\"a\"=\"b\"\n": "line 2", header + "\n[HKEY_CURRENT_USER\n": "line 2",
		header + "\n[K]\nnonsense\n": "line 3",
	} {
		if err := os.WriteFile(filepath.Join(home, FileName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(home); err == nil || !strings.Contains(err.Error(), where) || !strings.Contains(err.Error(), FileName) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestLookup(t *testing.T) {
	for name, want := range map[string]string{"rpchttpproxymap": RpcHttpProxyMap, "RpcHttpProxyMap_TSM": RpcHttpProxyMap, "Ignore No PF": IgnoreNoPF, "RpcHttpProxyMapX": "", "": ""} {
		s, ok := Lookup(name)
		if ok != (want != "") || ok && s.Name != want {
			t.Errorf("Lookup(%q) = %v, %v", name, s, ok)
		}
	}
	for _, s := range All {
		if s.Meaning == "" || s.Evidence == "" || len(s.Keys) == 0 {
			t.Errorf("%q isn't described", s.Name)
		}
		for _, k := range s.Keys {
			if problem := CheckPath(k); problem != "" {
				t.Errorf("%q: %s: %s", s.Name, k, problem)
			}
		}
	}
}

// Every byte comes back from Windows' western code page; 0x80 to 0x9F are as Windows has them.
func TestANSI(t *testing.T) {
	var all []byte
	for i := range 256 {
		all = append(all, byte(i))
	}
	text := DecodeANSI(string(all))
	if back, err := EncodeANSI(text); err != nil || back != string(all) {
		t.Errorf("got % x, %v", back, err)
	}
	if got := string([]rune(text)[0x80:0x90]); got != "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f" {
		t.Errorf("got %q", got)
	}
	if s, err := EncodeANSI("日本"); err == nil {
		t.Errorf("got %q", s)
	}
}
