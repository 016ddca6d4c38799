package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"strings"
)

// method is the signature of a Go method as far as calls need it.
type method struct {
	ctx     bool     // the first parameter is a context
	params  []string // types of the others
	results []string // types, without the error
	err     bool     // the last result is an error
}

// methods are those of the types of package cdo.
type methods struct {
	of       map[string]map[string]method
	embedded map[string][]string
}

// find looks a method up, in embedded types too.
func (m *methods) find(typ, name string) (method, bool) {
	if f, ok := m.of[typ][name]; ok {
		return f, true
	}
	for _, e := range m.embedded[typ] {
		if f, ok := m.find(e, name); ok {
			return f, true
		}
	}
	return method{}, false
}

func readMethods(dir string) (*methods, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	m := &methods{map[string]map[string]method{}, map[string][]string{}}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, "_gen.go") {
			continue
		}
		src, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, src, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, d := range file.Decls {
			m.add(d)
		}
	}
	return m, nil
}

func (m *methods) add(d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil || !d.Name.IsExported() {
			return
		}
		typ := strings.TrimPrefix(types.ExprString(d.Recv.List[0].Type), "*")
		if m.of[typ] == nil {
			m.of[typ] = map[string]method{}
		}
		m.of[typ][d.Name.Name] = signature(d.Type)
	case *ast.GenDecl:
		for _, s := range d.Specs {
			t, ok := s.(*ast.TypeSpec)
			if !ok {
				continue
			}
			st, ok := t.Type.(*ast.StructType)
			if !ok {
				continue
			}
			for _, f := range st.Fields.List {
				if len(f.Names) == 0 {
					m.embedded[t.Name.Name] = append(m.embedded[t.Name.Name], strings.TrimPrefix(types.ExprString(f.Type), "*"))
				}
			}
		}
	}
}

func signature(f *ast.FuncType) (m method) {
	m.params = flat(f.Params)
	if len(m.params) > 0 && m.params[0] == "context.Context" {
		m.ctx, m.params = true, m.params[1:]
	}
	m.results = flat(f.Results)
	if n := len(m.results); n > 0 && m.results[n-1] == "error" {
		m.err, m.results = true, m.results[:n-1]
	}
	return m
}

// flat is a type for each parameter.
func flat(l *ast.FieldList) (list []string) {
	if l == nil {
		return nil
	}
	for _, f := range l.List {
		for range max(1, len(f.Names)) {
			list = append(list, types.ExprString(f.Type))
		}
	}
	return list
}
