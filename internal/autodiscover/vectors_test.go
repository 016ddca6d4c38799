package autodiscover

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// vectorsDir is the folder of test vectors, or the test is skipped.
func vectorsDir(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("OPENCDO_VECTORS")
	if dir == "" {
		root, err := filepath.Abs(".")
		if err != nil {
			t.Fatal(err)
		}
		for {
			if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
				break
			}
			if filepath.Dir(root) == root {
				t.Fatal("no go.mod above the test's folder")
			}
			root = filepath.Dir(root)
		}
		dir = filepath.Join(root, "..", "shared", "vectors")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("NO TEST VECTORS: set OPENCDO_VECTORS to their folder (%v)", err)
	}
	return dir
}

// exchange is one recorded request with its response.
type exchange struct {
	ID      string
	Request struct {
		Method, Target, Text string
		Headers              [][2]string
	}
	Response struct {
		Status  int
		Text    string
		Headers [][2]string
	}
}

func recorded(t testing.TB) []exchange {
	t.Helper()
	f, err := os.Open(filepath.Join(vectorsDir(t), "recorded", "autodiscover.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var all []exchange
	for d := json.NewDecoder(z); ; {
		var x exchange
		if err := d.Decode(&x); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, x)
	}
}

func httpHeader(pairs [][2]string) http.Header {
	h := make(http.Header)
	for _, p := range pairs {
		h.Add(p[0], p[1])
	}
	return h
}

// tree is an element without what XML leaves open: prefixes, white space between
// elements, and the order of siblings of different names, which [MS-OXDSCLI]
// leaves open too.
type tree struct {
	Name, Text string
	Attrs      []string
	Children   []*tree
}

func parseTree(t *testing.T, doc string) *tree {
	t.Helper()
	stack := []*tree{{}}
	for d := xml.NewDecoder(strings.NewReader(doc)); ; {
		token, err := d.Token()
		if err == io.EOF {
			return stack[0]
		} else if err != nil {
			t.Fatalf("%v in %s", err, doc)
		}
		top := stack[len(stack)-1]
		switch x := token.(type) {
		case xml.StartElement:
			e := &tree{Name: "{" + x.Name.Space + "}" + x.Name.Local}
			for _, a := range x.Attr {
				if a.Name.Local != "xmlns" {
					e.Attrs = append(e.Attrs, a.Name.Local+"="+a.Value)
				}
			}
			slices.Sort(e.Attrs)
			top.Children = append(top.Children, e)
			stack = append(stack, e)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
			slices.SortStableFunc(top.Children, func(a, b *tree) int { return strings.Compare(a.Name, b.Name) })
		case xml.CharData:
			top.Text += strings.TrimSpace(string(x))
		}
	}
}

// TestRequestVectors decodes each recorded request and encodes it again.
func TestRequestVectors(t *testing.T) {
	for _, x := range recorded(t) {
		t.Run(x.ID, func(t *testing.T) {
			r, err := DecodeRequest(strings.NewReader(x.Request.Text))
			if x.Request.Text == "" || x.Request.Text == "x" {
				if err == nil {
					t.Fatalf("%q was taken for a request", x.Request.Text)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(x.Request.Text, "<EMailAddress>"+r.EMailAddress+"</EMailAddress>") ||
				!strings.Contains(x.Request.Text, "<AcceptableResponseSchema>"+r.AcceptableResponseSchema+"</") {
				t.Errorf("request %+v from %s", r, x.Request.Text)
			}
			again, err := EncodeRequest(r)
			if err != nil {
				t.Fatal(err)
			}
			want := strings.ReplaceAll(x.Request.Text, "<EMailAddress></EMailAddress>", "") // optional, absent when empty
			if diff := cmp.Diff(parseTree(t, want), parseTree(t, string(again))); diff != "" {
				t.Errorf("encoded again: %s", diff)
			}
		})
	}
}

// TestResponseVectors decodes each recorded response, looks at what is used of
// it, and encodes it again.
func TestResponseVectors(t *testing.T) {
	for _, x := range recorded(t) {
		t.Run(x.ID, func(t *testing.T) {
			text := x.Response.Text
			switch {
			case strings.HasPrefix(text, "{"):
				checkV2(t, &x)
				return
			case !strings.HasPrefix(text, "<"), strings.Contains(text, "mobilesync"):
				if r, err := DecodeResponse(strings.NewReader(text)); err == nil {
					t.Fatalf("taken for a response: %+v", r)
				}
				return
			}
			r, err := DecodeResponse(strings.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			again, err := EncodeResponse(r)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(parseTree(t, text), parseTree(t, string(again))); diff != "" {
				t.Errorf("encoded again: %s", diff)
			}
		})
	}
}

// value is the text of the path's first element below the document's Response.
func (e *tree) value(path ...string) string {
	for _, name := range path {
		i := slices.IndexFunc(e.Children, func(c *tree) bool { return strings.HasSuffix(c.Name, "}"+name) })
		if i < 0 {
			return ""
		}
		e = e.Children[i]
	}
	return e.Text
}

func checkV2(t *testing.T, x *exchange) {
	var want map[string]string
	if err := json.Unmarshal([]byte(x.Response.Text), &want); err != nil {
		t.Fatal(err)
	}
	v, err := DecodeV2(strings.NewReader(x.Response.Text))
	if want["ErrorCode"] != "" {
		var failure *V2Error
		if !errors.As(err, &failure) || failure.Code != want["ErrorCode"] || failure.Message != want["ErrorMessage"] {
			t.Fatalf("%v, want %v", err, want)
		}
		return
	}
	if err != nil || v.Protocol != want["Protocol"] || v.URL != want["Url"] {
		t.Fatalf("%+v, %v; want %v", v, err, want)
	}
	again, _ := json.Marshal(v)
	if string(again) != x.Response.Text {
		t.Errorf("encoded again %s, want %s", again, x.Response.Text)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestDiscoverVectors has the client ask, and gives it the recorded answer.
func TestDiscoverVectors(t *testing.T) {
	for _, x := range recorded(t) {
		request, err := DecodeRequest(strings.NewReader(x.Request.Text))
		if err != nil || request.EMailAddress == "" {
			continue
		}
		t.Run(x.ID, func(t *testing.T) {
			c := &Client{
				HTTP: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
					w := httptest.NewRecorder()
					for name, v := range httpHeader(x.Response.Headers) {
						w.Header()[name] = v
					}
					w.WriteHeader(x.Response.Status)
					io.WriteString(w, x.Response.Text)
					return w.Result(), nil
				})},
			}
			r, err := c.Discover(t.Context(), request.EMailAddress, "mail.contoso.test")
			doc := parseTree(t, "<x/>")
			if strings.HasPrefix(x.Response.Text, "<") {
				doc = parseTree(t, x.Response.Text)
			}
			code := doc.value("Autodiscover", "Response", "Error", "ErrorCode")
			switch {
			case x.Response.Status == http.StatusUnauthorized:
				var status *HTTPError
				if !errors.Is(err, ErrUnauthorized) || !errors.As(err, &status) || len(status.Challenges) != 2 {
					t.Fatalf("error %v", err)
				}
			case code != "":
				var failure *Error
				if !errors.As(err, &failure) || !strings.Contains(err.Error(), code) ||
					failure.Message != doc.value("Autodiscover", "Response", "Error", "Message") {
					t.Fatalf("error %v, want code %s", err, code)
				}
			case strings.Contains(x.Response.Text, "mobilesync"):
				if err == nil {
					t.Fatal("answer in another schema taken")
				}
			case err != nil:
				t.Fatal(err)
			default:
				checkResult(t, doc, r)
			}
		})
	}
}

func checkResult(t *testing.T, doc *tree, r *Result) {
	t.Helper()
	user := func(name string) string { return doc.value("Autodiscover", "Response", "User", name) }
	account := doc.Children[0].Children[0].Children[0]
	protocol := func(kind string, path ...string) string {
		for _, p := range account.Children {
			if strings.HasSuffix(p.Name, "}Protocol") && (p.value("Type") == kind || slices.Contains(p.Attrs, "Type="+kind)) {
				return p.value(path...)
			}
		}
		return ""
	}
	for _, v := range []struct{ name, got, want string }{
		{"DisplayName", r.DisplayName, user("DisplayName")},
		{"LegacyDN", r.LegacyDN, user("LegacyDN")},
		{"SMTP", r.SMTP, user("AutoDiscoverSMTPAddress")},
		{"DeploymentID", r.DeploymentID, user("DeploymentId")},
		{"Server", r.Server, protocol(EXCH, "Server")},
		{"MdbDN", r.MdbDN, protocol(EXCH, "MdbDN")},
		{"EXCH server DN", r.EXCH.ServerDN, protocol(EXCH, "ServerDN")},
		{"EXCH version", r.EXCH.ServerVersion, "73C0834F"},
		{"EXPR server", r.EXPR.Server, protocol(EXPR, "Server")},
		{"EXPR authentication", r.EXPR.AuthPackage, protocol(EXPR, "AuthPackage")},
		{"mailstore inside", r.MailStore.InternalURL, protocol(MapiHttp, "MailStore", "InternalUrl")},
		{"mailstore outside", r.MailStore.ExternalURL, protocol(MapiHttp, "MailStore", "ExternalUrl")},
		{"address book inside", r.AddressBook.InternalURL, protocol(MapiHttp, "AddressBook", "InternalUrl")},
		{"address book outside", r.AddressBook.ExternalURL, protocol(MapiHttp, "AddressBook", "ExternalUrl")},
		{"personalised name", mailboxID(r.MailStore.ExternalURL), r.Server},
		{"public folders", r.PublicFolders, account.value("PublicFolderInformation", "SmtpAddress")},
	} {
		if v.got != v.want || v.got == "" && v.name != "public folders" {
			t.Errorf("%s: %q, want %q", v.name, v.got, v.want)
		}
	}
	if len(r.Protocols) != 4 || len(r.Attempts) != 1 {
		t.Errorf("%d protocols, %d attempts", len(r.Protocols), len(r.Attempts))
	}
}

// TestServerVectors has the Handler answer the recorded requests with the
// recorded settings.
func TestServerVectors(t *testing.T) {
	for _, x := range recorded(t) {
		if strings.Contains(x.Request.Target, ".json") || strings.Contains(x.Request.Target, ".svc") || x.Response.Status != http.StatusOK {
			continue
		}
		t.Run(x.ID, func(t *testing.T) {
			settings, _ := DecodeResponse(strings.NewReader(x.Response.Text))
			h := &Handler{Lookup: func(_ context.Context, r *Request) (*Response, error) {
				if settings.Error != nil {
					return nil, settings.Error
				}
				return settings, nil
			}}
			r := httptest.NewRequest(x.Request.Method, x.Request.Target, strings.NewReader(x.Request.Text))
			r.Header = httpHeader(x.Request.Headers)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			got, want := parseTree(t, w.Body.String()), parseTree(t, x.Response.Text)
			if settings == nil { // a schema that this server doesn't offer
				if code := got.value("Autodiscover", "Response", "Error", "ErrorCode"); code != "601" {
					t.Errorf("error %q", code)
				}
				return
			}
			if settings.Error != nil {
				path := []string{"Autodiscover", "Response", "Error", "ErrorCode"}
				if got.value(path...) != want.value(path...) {
					t.Errorf("error %s, want %s", got.value(path...), want.value(path...))
				}
				return
			}
			account := want.Children[0].Children[0].Children[0]
			account.Children = slices.DeleteFunc(account.Children, func(e *tree) bool {
				return len(e.Attrs) > 0 && r.Header.Get(headerMapiHTTP) == "" || e.value("Type") == EXHTTP && r.Header.Get(headerCanHandle) == ""
			})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
