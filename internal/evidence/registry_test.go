package evidence

import (
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
)

// structure is one thing that is encoded and decoded, with its evidence.
type structure struct {
	name, section string
	vectors       []string // ids
	recorded      int      // records of the recorded conversations that it stands in and that come back byte for byte
	elsewhere     string   // files and programs of others
}

func (s *structure) proven() bool { return len(s.vectors) > 0 || s.recorded > 0 || s.elsewhere != "" }

type group struct {
	title      string
	structures []*structure
}

// registry is all structures, in the order of the page.
type registry struct {
	groups []*group
	byName map[string]*structure
}

func (r *registry) group(title string) *group {
	g := &group{title: title}
	r.groups = append(r.groups, g)
	return g
}

func (r *registry) add(g *group, name, section string) {
	s := &structure{name: name, section: section}
	g.structures = append(g.structures, s)
	r.byName[name] = s
}

// structures finds them: ROPs in their table, others as the exported types of the packages of wire formats, so that a new
// one is missing from the page until the page is written anew.
func structures(t *testing.T) *registry {
	r := &registry{byName: map[string]*structure{}}

	rops, parts := r.group("Remote operations [MS-OXCROPS]"), r.group("Parts of remote operations")
	for id := range 256 {
		rop := oxcrops.Lookup(uint8(id))
		if rop == nil {
			continue
		}
		if rop.NewRequest() != nil {
			r.add(rops, rop.Name+" request", "[MS-OXCROPS] "+rop.Section)
		}
		if rop.NewResponse() != nil {
			r.add(rops, rop.Name+" response", "[MS-OXCROPS] "+rop.Section)
		}
	}
	for _, d := range declared(t, "internal/oxcrops") {
		if !strings.HasSuffix(d.name, "Request") && !strings.HasSuffix(d.name, "Response") {
			r.add(parts, "oxcrops."+d.name, d.section)
		}
	}

	data := r.group("Data structures [MS-OXCDATA]")
	for _, d := range declared(t, "internal/oxcdata") {
		r.add(data, "oxcdata."+d.name, d.section)
	}
	for _, d := range declared(t, "mapi") {
		if strings.HasPrefix(d.name, "Res") || d.name == "PropName" {
			r.add(data, "mapi."+d.name, cmp.Or(d.section, "[MS-OXCDATA] 2.12"))
		}
	}
	r.add(data, extendedRules, "[MS-OXORULE] 2.2.4")
	values := r.group("Property values")
	for _, d := range dialects {
		for _, ty := range valueTypes() {
			if d == fastTransfer && ty == mapi.TypeRestriction { // has no such values
				continue
			}
			r.add(values, valueName(ty, d), valueSection[d])
		}
	}

	http := r.group("MAPI over HTTP [MS-OXCMAPIHTTP]")
	for _, d := range declared(t, "internal/oxcmapihttp") {
		r.add(http, "oxcmapihttp."+d.name, d.section)
	}
	for _, d := range declared(t, "internal/oxnspi") {
		r.add(http, "oxnspi."+d.name, d.section)
	}
	r.add(http, entities, "[MS-OXCMAPIHTTP] 2.2.2")
	rpc := r.group("Extended buffers [MS-OXCRPC]")
	r.add(rpc, extendedBuffer, "[MS-OXCRPC] 2.2.2.1")
	r.add(rpc, direct2, "[MS-OXCRPC] 3.1.4.1.1.2.2")
	for _, d := range declared(t, "internal/oxcrpc") {
		r.add(rpc, "oxcrpc."+d.name, d.section)
	}

	fx := r.group("FastTransfer and synchronization [MS-OXCFXICS]")
	for _, c := range constants(t, "internal/oxcfxics", "Marker") {
		r.add(fx, "marker "+c, "[MS-OXCFXICS] 2.2.4.1.4")
	}
	for _, c := range constants(t, "mapi/pid", "mapi.Tag") {
		if strings.HasPrefix(c, "MetaTag") {
			r.add(fx, c, "[MS-OXCFXICS] 2.2.4.1.5")
		}
	}
	for _, d := range declared(t, "internal/oxcfxics") {
		if d.section != "" {
			r.add(fx, "oxcfxics."+d.name, d.section)
		}
	}

	files := r.group("Files and documents")
	for _, c := range claims {
		if r.byName[c.structure] == nil {
			r.add(files, c.structure, c.section)
		}
		r.byName[c.structure].elsewhere = c.elsewhere
	}
	return r
}

// Structures that are no type or ROP.
const (
	extendedRules  = "conditions and actions of extended rules"
	entities       = "entities: meta-tags, headers, chunks"
	extendedBuffer = "RPC_HEADER_EXT, obfuscation"
	direct2        = "DIRECT2 compression"
)

// notStructures are exported types that nothing on the wire corresponds to.
var notStructures = map[string]bool{
	"oxcdata.Coder": true, "oxcdata.Dialect": true, "oxcdata.FormatError": true,
	"oxcrops.Head": true, "oxcrops.Reply": true, // the beginning of every one
	"oxcrops.Logons": true, "oxcrops.ROP": true, "oxcrpc.AuxRaw": true, "oxcmapihttp.Envelope": true,
	// a stream as a whole: its markers and properties stand in the list
	"oxcfxics.ContentWriter": true, "oxcfxics.Element": true, "oxcfxics.Marker": true,
	"oxcfxics.Root": true, "oxcfxics.Range": true,
	// numbers that fields of ROPs hold
	"oxcrpc.Flags": true, "oxcfxics.SendOptions": true, "oxcfxics.TransferStatus": true,
}

type declaration struct{ name, section string }

var section = regexp.MustCompile(`(\[MS-[A-Z]+\] )?\d+(\.\d+)+`)

// declared are the exported types of a package that are structures, in the order of its files, with the section that the
// comment of each names.
func declared(t *testing.T, dir string) []declaration {
	var list []declaration
	specification := "[MS-" + strings.ToUpper(filepath.Base(dir)) + "] "
	each(t, dir, func(d *ast.GenDecl) {
		for _, spec := range d.Specs {
			ts, ok := spec.(*ast.TypeSpec)
			if !ok || !ts.Name.IsExported() || ts.Assign.IsValid() || notStructures[filepath.Base(dir)+"."+ts.Name.Name] {
				continue
			}
			if _, ok := ts.Type.(*ast.InterfaceType); ok {
				continue
			}
			doc := ts.Doc
			if doc == nil {
				doc = d.Doc
			}
			s := section.FindString(doc.Text())
			if s != "" && s[0] != '[' {
				s = specification + s
			}
			list = append(list, declaration{ts.Name.Name, s})
		}
	})
	if len(list) == 0 {
		t.Fatalf("no types in %s", dir)
	}
	return list
}

// constants are the names of a package's constants of a type.
func constants(t *testing.T, dir, ofType string) (names []string) {
	each(t, dir, func(d *ast.GenDecl) {
		for _, spec := range d.Specs {
			v, ok := spec.(*ast.ValueSpec)
			if !ok || d.Tok != token.CONST || v.Type == nil || typeName(v.Type) != ofType {
				continue
			}
			for _, n := range v.Names {
				names = append(names, n.Name)
			}
		}
	})
	if len(names) == 0 {
		t.Fatalf("no constants of type %s in %s", ofType, dir)
	}
	return names
}

func typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return typeName(e.X) + "." + e.Sel.Name
	}
	return ""
}

// each calls f for the general declarations of a package.
func each(t *testing.T, dir string, f func(*ast.GenDecl)) {
	for _, file := range sources(t, dir, func(name string) bool { return !strings.HasSuffix(name, "_test.go") }) {
		for _, d := range file.Decls {
			if g, ok := d.(*ast.GenDecl); ok {
				f(g)
			}
		}
	}
}

// sources parses files of a package.
func sources(t *testing.T, dir string, want func(name string) bool) []*ast.File {
	names, err := filepath.Glob(filepath.Join(root(t), dir, "*.go"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no files in %s: %v", dir, err)
	}
	var files []*ast.File
	for _, n := range names {
		if !want(filepath.Base(n)) {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), n, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

// root is the repository.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// dialect is a family of structures that lays values out in its own way.
type dialect string

const (
	ropBuffers   dialect = "ROP buffers"
	addressBook  dialect = "address book"
	fastTransfer dialect = "FastTransfer"
)

var dialects = []dialect{ropBuffers, addressBook, fastTransfer}

var valueSection = map[dialect]string{ropBuffers: "[MS-OXCDATA] 2.11.1", addressBook: "[MS-OXCMAPIHTTP] 2.2.1.1",
	fastTransfer: "[MS-OXCFXICS] 2.2.4.1.3"}

func valueName(ty mapi.Type, d dialect) string { return ty.String() + ", " + string(d) }

// valueTypes are the property types that have values of their own layout. Restriction stands for RuleAction too: both are
// kept as they stood.
func valueTypes() (list []mapi.Type) {
	single := []mapi.Type{mapi.TypeBool, mapi.TypeObject, mapi.TypeServerID, mapi.TypeRestriction}
	both := []mapi.Type{mapi.TypeInt16, mapi.TypeInt32, mapi.TypeFloat32, mapi.TypeFloat64, mapi.TypeCurrency, mapi.TypeAppTime,
		mapi.TypeInt64, mapi.TypeString8, mapi.TypeString, mapi.TypeTime, mapi.TypeGUID, mapi.TypeBinary}
	for _, ty := range both {
		list = append(list, ty, ty|mapi.MultiValue)
	}
	return append(list, single...)
}

// typeOf is the property type of a value, 0 for none of those that are listed.
func typeOf(v mapi.Value) mapi.Type {
	i := slices.IndexFunc(valueTypes(), func(ty mapi.Type) bool { return mapi.CheckValue(ty, v) == nil })
	if i < 0 {
		return 0
	}
	return valueTypes()[i]
}

// reach collects the names of the structures that a decoded value is made of.
func reach(v reflect.Value, d dialect, into map[string]bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			reach(v.Elem(), d, into)
		}
		return
	case reflect.Interface:
		if v.IsNil() {
			return
		}
		if v.Type() == reflect.TypeFor[mapi.Value]() && v.CanInterface() {
			if ty := typeOf(v.Interface()); ty != 0 {
				into[valueName(ty, d)] = true
			}
		}
		reach(v.Elem(), d, into)
		return
	}
	if ty := v.Type(); ty.PkgPath() != "" {
		name, _, _ := strings.Cut(ty.Name(), "[")
		into[filepath.Base(ty.PkgPath())+"."+name] = true
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			reach(v.Field(i), d, into)
		}
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return
		}
		for i := range v.Len() {
			reach(v.Index(i), d, into)
		}
	}
}
