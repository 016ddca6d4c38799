package profile

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/settings"
	"github.com/opencdo/opencdo/mapi"
)

// prf is a file with the parts that the Office Customization Tool writes.
const prf = `;Automatically generated PRF file

[General]
Custom=1
ProfileName=Contoso %UserName%
DefaultProfile=No
OverwriteProfile=Yes
ModifyDefaultProfileIfPresent=false
DefaultStore=Service1

[Service List]
ServiceX=Microsoft Outlook Client
ServiceEGS=Exchange Global Section
Service1=Microsoft Exchange Server
Service2=Unicode Personal Folders

[Internet Account List]
Account1=I_Mail

[ServiceX]
CachedExchangeMode=0x00000002
[ServiceEGS]
MailboxName=%UserName%
HomeServer=8d771abc-1ff9-41ce-9e53-fb02535b2470@contoso.example
RPCoverHTTPflags=0x002f
RPCProxyServer=mail.contoso.example
RPCProxyPrincipalName=msstd:mail.contoso.example
RPCProxyAuthScheme=0x0002
ConfigFlags=

[Service1]
UniqueService=Yes
OverwriteExistingService=Yes
MailboxName=%UserName%
HomeServer=8d771abc-1ff9-41ce-9e53-fb02535b2470@contoso.example
[Service2]
UniqueService=No
Name=Archiv München
PathAndFilenameToPersonalFolders=%USERPROFILE%\%Unknown%.pst
Password=open sesame

[Account1]
AccountName=Anna
POP3Server=pop.contoso.example
POP3Port=110
DefaultAccount=TRUE

[Microsoft Exchange Server]
ServiceName=MSEMS
MDBGUID=5494A1C0297F101BA58708002B2A2517
MailboxName=PT_STRING8,0x6607
HomeServer=PT_STRING8,0x6608

[Exchange Global Section]
SectionGUID=13dbb0c8aa05101a9bb000aa002fc45a
MailboxName=PT_STRING8,0x6607
HomeServer=PT_STRING8,0x6608
ConfigFlags=PT_LONG,0x6601
RPCoverHTTPflags=PT_LONG,0x6623
RPCProxyServer=PT_UNICODE,0x6622
RPCProxyPrincipalName=PT_UNICODE,0x6625
RPCProxyAuthScheme=PT_LONG,0x6627

[Unicode Personal Folders]
ServiceName=MSUPST MS
Name=PT_UNICODE,0x3001
PathAndFilenameToPersonalFolders=PT_STRING8,0x6700
Password=PT_STRING8,0x6703

[Microsoft Outlook Client]
SectionGUID=0a0d020000000000c000000000000046
CachedExchangeMode=PT_LONG,0x041f

[I_Mail]
AccountType=POP3
AccountName=PT_UNICODE,0x0002
POP3Server=PT_UNICODE,0x0100
POP3Port=PT_LONG,0x0104
`

func environment(name string) (string, bool) {
	v, ok := map[string]string{"username": "anna", "userprofile": `C:\Users\anna`}[strings.ToLower(name)]
	return v, ok
}

func importPRF(t *testing.T, text string) *Imported {
	t.Helper()
	f, err := ParsePRF("x.prf", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	in, err := f.Profile(environment)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func TestImportPRF(t *testing.T) {
	in := importPRF(t, strings.ReplaceAll(prf, "\n", "\r\n"))
	if len(in.Problems) > 0 {
		t.Error(in.Problems)
	}
	p := in.Profile
	if p.Name != "Contoso anna" || in.Default || !in.Overwrite || in.Append {
		t.Errorf("general: %q %+v", p.Name, in)
	}
	c, err := p.Connection(settings.New())
	if err != nil {
		t.Fatal(err)
	}
	if c.Mailbox != "anna" || c.Server != personalised || c.Proxy.String() != "https://mail.contoso.example" || !slices.Equal(c.HTTPAuth, []HTTPAuth{HTTPNTLM}) ||
		c.Certificate.Name != "mail.contoso.example" || c.ROHFlags != 0x2F {
		t.Errorf("connection: %+v", c)
	}
	services := p.Services()
	if len(services) != 2 || services[0].Name != MSEMS || !services[0].Default || services[1].Name != "MSUPST MS" || services[1].Default || services[1].Display != "Archiv München" {
		t.Fatalf("services: %+v", services)
	}
	if types := services[0].Providers; len(types) != 3 || types[0].Type != PrimaryStore || types[1].Kind != "address book" || types[2].Kind != "transport" {
		t.Errorf("providers: %+v", types)
	}
	pst := services[1].Providers[0].Section
	if got := pst.Text(TagPSTPath); got != `C:\Users\anna\%Unknown%.pst` {
		t.Errorf("path %q", got)
	}
	if !slices.Equal(pst.Secrets(), []mapi.Tag{TagPSTPassword}) || pst.Text(TagPSTPassword) != "" {
		t.Errorf("the password isn't a secret: %v", pst.Secrets())
	}
	if s, ok := p.Section(OutlookSection); !ok || s.Props.Tag(0x041F0003) != int32(2) {
		t.Errorf("Outlook's section: %+v", s)
	}
	if len(p.Accounts) != 1 || p.Accounts[0].Type != "POP3" || !slices.Contains(p.Accounts[0].Settings, AccountSetting{"POP3Port", "110"}) {
		t.Errorf("accounts: %+v", p.Accounts)
	}
	same := importPRF(t, string(mapi.EncodeUTF16("\uFEFF"+prf)))
	if got := same.Profile.Services()[1].Display; got != "Archiv München" {
		t.Errorf("as UTF-16: %q", got)
	}
}

// A service with faults is left out and they are named; the others are made.
func TestPRFProblems(t *testing.T) {
	for name, c := range map[string]struct {
		from, to, says string
		at             string // what stands in the line
		services       int
	}{
		"unknown option":  {"Password=open sesame", "Passwort=open sesame", "Passwort", "Passwort=", 1},
		"bad number":      {"RPCoverHTTPflags=0x002f", "RPCoverHTTPflags=all", "number", "RPCoverHTTPflags=all", 2},
		"no mapping":      {"[Unicode Personal Folders]", "[Personal]", "Unicode Personal Folders", "Service2=", 1},
		"bad type":        {"Name=PT_UNICODE,0x3001", "Name=PT_TEXT,0x3001", "PT_UNICODE,0x6622", "Name=PT_TEXT", 1},
		"bad id":          {"Name=PT_UNICODE,0x3001", "Name=PT_UNICODE,0x13001", "property id", "Name=PT_UNICODE,0x13001", 1},
		"bad UID":         {"MDBGUID=5494", "MDBGUID=54", "UID", "MDBGUID=", 1},
		"no such store":   {"DefaultStore=Service1", "DefaultStore=Service7", "Service7", "DefaultStore=", 2},
		"no account type": {"AccountType=POP3\n", "", "AccountType", "[I_Mail]", 2},
	} {
		text := strings.Replace(prf, c.from, c.to, 1)
		in := importPRF(t, text)
		line := 1 + strings.Count(text[:strings.Index(text, "\n"+c.at)+1], "\n")
		var bad *settings.SyntaxError
		if len(in.Problems) == 0 || !errors.As(in.Problems[0], &bad) || bad.File != "x.prf" || bad.Line != line || !strings.Contains(bad.Problem, c.says) {
			t.Errorf("%s: %v", name, in.Problems)
		}
		if got := len(in.Profile.Services()); got != c.services {
			t.Errorf("%s: %d services", name, got)
		}
	}
}

func TestMalformedPRF(t *testing.T) {
	for text, line := range map[string]int{
		"": 1, "[Service List]\n": 1, "x=1\n[General]\n": 1, "[General]\n\nProfileName\n": 3, "[General\n": 1, "[General]\n=x\n": 2,
		"[General]\nProfileName= a \nDefaultProfile=perhaps\n": 3, "[General]\nProfileName=" + strings.Repeat("x", 65): 2,
	} {
		f, err := ParsePRF("x.prf", []byte(text))
		if err == nil {
			_, err = f.Profile(environment)
		}
		var bad *settings.SyntaxError
		if !errors.As(err, &bad) || bad.Line != line || bad.File != "x.prf" || !errors.Is(err, mapi.ErrCorruptData) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestPRFMapping(t *testing.T) {
	for text, want := range map[string]mapi.Tag{"PT_STRING8,0x6602": 0x6602001E, " pt_long , 0x6623 ": 0x66230003, "PT_STRING8,0x001e3001": 0x3001001E,
		"PT_MV_UNICODE,0x6613": 0x6613101F, "PT_LONG": 0, "PT_LONG,": 0, "PT_LONG,0": 0, "PT_LONG,0x001e3001": 0, "PT_LONG,0x100000000": 0} {
		if got, err := prfTag(text); got != want || (err == nil) != (want != 0) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

// sample is the Outlook 2010 profile of the sample data, and what another reader says is in it.
func sample(t *testing.T) (*settings.Document, map[string]map[string]struct {
	AsUTF16 *string `json:"as_utf16"`
}) {
	dir := os.Getenv("OPENCDO_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "data")
	}
	path := filepath.Join(dir, "reg", "plaso", "NTUSER-WIN7_outlook2010_profile.reg")
	raw, err := os.ReadFile(path + ".truth.json")
	if err != nil {
		t.Skip("NO SAMPLE DATA: set OPENCDO_DATA to the folder that has reg/plaso")
	}
	var truth struct {
		Tree map[string]map[string]struct {
			AsUTF16 *string `json:"as_utf16"`
		}
	}
	if err := json.Unmarshal(raw, &truth); err != nil {
		t.Fatal(err)
	}
	d, err := settings.ReadDocument(path)
	if err != nil {
		t.Fatal(err)
	}
	return d, truth.Tree
}

// TestImportSampleProfile reads a profile that Outlook 2010 made. Names, services and lists are those that the hive shows.
func TestImportSampleProfile(t *testing.T) {
	d, tree := sample(t)
	list, problems := ImportRegistry(d)
	if len(problems) > 0 || len(list) != 1 {
		t.Fatalf("%d profiles, %v", len(list), problems)
	}
	in := list[0]
	p := in.Profile
	if p.Name != "Outlook" || !in.Default {
		t.Errorf("name %q, default %v", p.Name, in.Default)
	}
	for _, problem := range in.Problems { // Outlook's account manager, and nothing else
		if !strings.Contains(problem.Error(), "9375CFF0413111d3B88A00104B2A6676") {
			t.Error(problem)
		}
	}
	if len(in.Problems) != 5 {
		t.Errorf("%d problems", len(in.Problems))
	}
	var got []string
	for _, s := range p.Services() {
		got = append(got, s.Name+"/"+s.Display)
		for _, x := range s.Providers {
			got = append(got, "  "+x.Kind+"/"+x.Display)
		}
	}
	want := []string{"CONTAB/Outlook Address Book", "  address book/Outlook Address Book", "OMSAB/Mobile Address Book", "  address book/Mobile Address Book Provider",
		"MSUPST MS/nfury@stark-research-labs.com", "  store/nfury@stark-research-labs.com"}
	if !slices.Equal(got, want) {
		t.Errorf("services %q", got)
	}
	strs, values := 0, 0
	for path, list := range tree {
		i := strings.LastIndexByte(path, '\\')
		u, err := ParseUID(path[i+1:])
		if s, ok := p.Section(u); err == nil && ok {
			for name, v := range list {
				values++
				if v.AsUTF16 != nil && strings.HasPrefix(name, "001f") {
					strs++
					tag, _ := parseTag("0x" + name[4:] + name[:4])
					if got := s.Text(tag); got != *v.AsUTF16 {
						t.Errorf("%s of %s: %q, want %q", name, u, got, *v.AsUTF16)
					}
				}
			}
			if len(s.Props) != len(list) {
				t.Errorf("section %s: %d properties of %d values", u, len(s.Props), len(list))
			}
		}
	}
	if strs < 30 || values < 100 {
		t.Errorf("%d strings of %d values", strs, values)
	}
	contab, _ := p.Section(mustUID("a4a706acf2199341bddd109f85b3e607"))
	for tag, want := range map[mapi.Tag]any{ // a 64-bit process wrote them
		0x66211003: []int32{-2147221233, -2147221233},
		0x6622101E: []mapi.String8{"nfury@stark-research-labs.com", "nfury@stark-research-labs.com"},
		0x6627101F: []string{"nfury@stark-research-labs.com", "nfury@stark-research-labs.com"},
	} {
		if got := contab.Props.Tag(tag); mapi.CompareValues(got, want) != 0 {
			t.Errorf("%v: %#v", tag, got)
		}
	}
	if l, _ := contab.Props.Tag(0x66201102).([][]byte); len(l) != 2 || len(l[0]) != 24 || len(l[1]) != 24 || l[1][22] != 0 || l[0][20] != 0x42 || l[1][20] != 0x62 {
		t.Errorf("entry ids: %x", l)
	}
	if _, ok := p.Exchange(); ok {
		t.Error("a profile without Exchange has an Exchange section")
	}
	again := saved(t, p)
	for _, s := range p.Sections {
		x, ok := again.Section(s.UID)
		if !ok || len(x.Props) != len(s.Props) {
			t.Errorf("section %s after saving: %+v", s.UID, x)
			continue
		}
		for _, prop := range s.Props {
			if got := x.Props.Get(prop.Key); mapi.CompareValues(got, prop.Value) != 0 {
				t.Errorf("%v of %s after saving: %#v, was %#v", prop.Key, s.UID, got, prop.Value)
			}
		}
	}
}

// saved writes a profile and reads it back.
func saved(t *testing.T, p *Profile) *Profile {
	t.Helper()
	raw, err := p.encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := decode("x.json", raw)
	if err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	return again
}

const exchangeReg = `Windows Registry Editor Version 5.00

[HKEY_CURRENT_USER\Software\Microsoft\Office\15.0\Outlook]
"DefaultProfile"="Work"

[HKEY_CURRENT_USER\Software\Microsoft\Office\15.0\Outlook\Profiles\Work\9207f3e0a3b11019908b08002b2a56c2]
"01023d0e"=hex:11,11,11,11,11,11,11,11,11,11,11,11,11,11,11,11

[HKEY_CURRENT_USER\Software\Microsoft\Office\15.0\Outlook\Profiles\Work\11111111111111111111111111111111]
"001f3d09"=hex:4d,00,53,00,45,00,4d,00,53,00,00,00
"01023d15"=hex:22,22,22,22,22,22,22,22,22,22,22,22,22,22,22,22

[HKEY_CURRENT_USER\Software\Microsoft\Office\15.0\Outlook\Profiles\Work\22222222222222222222222222222222]
"001e6608"=hex:45,58,31,00
"001f6607"=hex:61,00,6e,00,6e,00,61,00,00,00
"00036623"=hex:2f,00,00,00
"00036627"=dword:00000010
"001f6622"="proxy.contoso.example"
"101e6613"=hex:02,00,00,00,0c,00,00,00,0e,00,00,00,61,00,62,63,00
"010266a1"=hex:01,02,03
"00036604"=hex:01,02
"x"="y"
`

// An Exchange account of Outlook 2013: the section is that of the account, and a 32-bit process wrote the list.
func TestImportExchangeAccount(t *testing.T) {
	d, err := settings.ParseDocument("x.reg", []byte(exchangeReg))
	if err != nil {
		t.Fatal(err)
	}
	list, problems := ImportRegistry(d)
	if len(problems) != 0 || len(list) != 1 || !list[0].Default {
		t.Fatalf("%v, %v", list, problems)
	}
	c, err := list[0].Profile.Connection(settings.New())
	if err != nil {
		t.Fatal(err)
	}
	if c.Server != "EX1" || c.Mailbox != "anna" || c.Proxy.String() != "https://proxy.contoso.example" || !slices.Equal(c.HTTPAuth, []HTTPAuth{HTTPNegotiate}) {
		t.Errorf("got %+v", c)
	}
	s, _ := list[0].Profile.Exchange()
	if got := s.Props.Tag(0x6613101E); mapi.CompareValues(got, []mapi.String8{"a", "bc"}) != 0 {
		t.Errorf("addresses %q", got)
	}
	for i, want := range []struct {
		line int
		says string
	}{{20, "encrypted"}, {21, "2 bytes"}, {22, "type and id"}} {
		var bad *settings.SyntaxError
		if len(list[0].Problems) != 3 || !errors.As(list[0].Problems[i], &bad) || bad.Line != want.line || bad.File != "x.reg" || !strings.Contains(bad.Problem, want.says) {
			t.Errorf("problems: %v", list[0].Problems)
		}
	}
}

func TestImportNothing(t *testing.T) {
	d, err := settings.ParseDocument("x.reg", []byte("REGEDIT4\n\n[HKEY_CURRENT_USER\\Software\\Other\\Outlook\\Profiles\\X\\11111111111111111111111111111111]\n"))
	if err != nil {
		t.Fatal(err)
	}
	if list, problems := ImportRegistry(d); len(list) != 0 || len(problems) != 1 || !errors.Is(problems[0], mapi.ErrCorruptData) {
		t.Errorf("%v, %v", list, problems)
	}
}

func FuzzPRF(f *testing.F) {
	f.Add([]byte(prf))
	f.Add([]byte("[General]\n[Service List]\na=b\n[a]\nx=%y%\n[b]\nServiceName=MSEMS\nx=PT_MV_LONG,0x6600\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := ParsePRF("x.prf", data)
		if err != nil {
			return
		}
		in, err := file.Profile(environment)
		if err != nil {
			return
		}
		saved(t, in.Profile)
		in.Profile.Connection(settings.New())
	})
}

func FuzzRegistryValue(f *testing.F) {
	f.Add(uint16(0x101E), []byte{2, 0, 0, 0, 12, 0, 0, 0, 14, 0, 0, 0, 'a', 0, 'b', 'c', 0})
	f.Add(uint16(0x1102), []byte{1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0, 'x'})
	f.Add(uint16(0x001F), []byte{'a', 0, 0, 0})
	f.Add(uint16(0x0048), make([]byte, 16))
	f.Fuzz(func(t *testing.T, kind uint16, data []byte) {
		v, err := registryValue(mapi.Type(kind), data)
		if err != nil {
			return
		}
		if err := mapi.CheckValue(mapi.Type(kind), v); err != nil {
			t.Error(err)
		}
		p, err := New("x")
		if err != nil {
			t.Fatal(err)
		}
		p.section(GlobalSection).Set(mapi.NewTag(0x6600, mapi.Type(kind)), v)
		saved(t, p)
	})
}

func FuzzProfileFile(f *testing.F) {
	f.Add([]byte(`{"format":"opencdo profile 1","name":"x","sections":[{"uid":"13dbb0c8aa05101a9bb000aa002fc45a","properties":[{"tag":"0x6607001F","value":"anna"},{"tag":"0x66A10102","secret":true},{"tag":"0x6613101E","value":["a"]}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := decode("x.json", data)
		if err != nil {
			var bad *settings.SyntaxError
			if !errors.As(err, &bad) || bad.Line < 1 {
				t.Fatal(err)
			}
			return
		}
		saved(t, p)
		p.Connection(settings.New())
	})
}
