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
	if n, ok := s.Number(CDO, IgnoreNoPF); !ok || n != 1 {
		t.Errorf("got %d, %v", n, ok)
	}
}

func TestLoadsWhatRegeditWrites(t *testing.T) {
	home := t.TempDir()
	text := "\uFEFFWindows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows Messaging Subsystem\\CDO]\r\n" +
		"@=\"default\"\r\n\"Ignore No PF\"=dword:00000001\r\n\"Blob\"=hex:01,02,\\\r\n  03,04\r\n; a comment\r\n"
	if err := os.WriteFile(filepath.Join(home, FileName), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Load(home)
	if err != nil {
		t.Fatal(err)
	}
	if n, ok := s.Number(CDO, IgnoreNoPF); !ok || n != 1 {
		t.Errorf("got %d, %v", n, ok)
	}
	if d, ok := s.Text(CDO, ""); !ok || d != "default" {
		t.Errorf("got %q, %v", d, ok)
	}
}

func TestLoadNamesTheLineAtFault(t *testing.T) {
	home := t.TempDir()
	for text, where := range map[string]string{
		"REGEDIT4\n": "line 1", header + "\n\"a\"=\"b\"\n": "line 2", header + "\n[HKEY_CURRENT_USER\n": "line 2",
		header + "\n[K]\nnonsense\n": "line 3",
	} {
		if err := os.WriteFile(filepath.Join(home, FileName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(home); err == nil || !strings.Contains(err.Error(), where) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
