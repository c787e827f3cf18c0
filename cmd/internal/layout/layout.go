// Package layout holds the shape of the program: which package may import what.
//
// actors decides, http speaks, metrics watches, loadtest plays the rest of the
// world, cmd ties; imports run toward actors/protocol. The compiler forbids
// circles and nothing else, so this table says the rest, and a test holds every
// file against it. A package that is not in the table fails the test: whoever
// adds one says here what it may lean on, before others lean on it.
//
// It reads the source and asks no tool, so that one file which does not build
// hides nothing, and files for other systems count as well.
package layout

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Module is the path of this module.
const Module = "maskswitch"

// File is a source file: where it is, and what it imports.
type File struct {
	Path    string // from the root of the module, with slashes
	Imports []Import
}

// Import is one line of a file's imports.
type Import struct {
	Name string // as written, mostly empty
	Path string
}

// Read finds the source files of a module: those that the go command would
// build on some system.
func Read(root fs.FS) ([]File, error) {
	var files []File
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name == ".":
			return nil
		case entry.IsDir():
			if ignored(entry.Name()) || entry.Name() == "testdata" || isModule(root, name) {
				return fs.SkipDir
			}
			return nil
		case path.Ext(name) != ".go" || ignored(entry.Name()):
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly)
		if err != nil {
			return err
		}
		files = append(files, File{name, imports(parsed)})
		return nil
	})
	return files, err
}

func ignored(name string) bool { return name[0] == '.' || name[0] == '_' }

func isModule(root fs.FS, dir string) bool {
	_, err := fs.Stat(root, path.Join(dir, "go.mod"))
	return err == nil
}

func imports(f *ast.File) []Import {
	var out []Import
	for _, spec := range f.Imports {
		i := Import{}
		i.Path, _ = strconv.Unquote(spec.Path.Value) // it has been parsed
		if spec.Name != nil {
			i.Name = spec.Name.Name
		}
		out = append(out, i)
	}
	return out
}

// Check holds files against the table. It returns one line for each fault,
// saying where it is and what to do.
func Check(files []File, table map[string]Rule) []string {
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	unknown := make(map[string]bool)
	for _, file := range files {
		dir := path.Dir(file.Path)
		if dir == "http" {
			fault("%s: the folder http holds packages and is none, so that http means net/http everywhere: move the file into one of them", file.Path)
			continue
		}
		rule, ok := table[dir]
		if !ok && !unknown[dir] {
			unknown[dir] = true
			fault("%s: the package is not in the table: enter what it may import in cmd/internal/layout/table.go", dir)
		}
		for _, i := range file.Imports {
			if why := i.never(); why != "" {
				fault("%s: %s", file.Path, why)
			} else if ok && !rule.allows(dir, i.Path, strings.HasSuffix(file.Path, "_test.go")) {
				fault("%s: %s may not import %s: have what it needs handed in, by an interface or a function of its own;"+
					" or, if the shape of the program has changed, change cmd/internal/layout/table.go and say why", file.Path, dir, i.Path)
			}
		}
	}
	return faults
}

// never says why an import is wrong anywhere.
func (i Import) never() string {
	if i.Path == "C" {
		return "the program builds without a C compiler: cgo is not used"
	}
	if within(i.Path, protoactor) {
		for _, part := range protoactorUnused {
			if within(i.Path, path.Join(protoactor, part)) {
				return i.Path + " is not used here: the switch has its own partitions, store and supervision; see the package comment of actors"
			}
		}
	}
	if i.Path == "unsafe" || !isStandard(i.Path) {
		return ""
	}
	if i.Name != "" && i.Name != "_" && i.Name != standardName(i.Path) {
		return fmt.Sprintf("%s is imported as %s: standard packages keep their names; rename what is ours", i.Path, i.Name)
	}
	return ""
}

// allows says whether a file of dir may import a path.
func (r Rule) allows(dir, imported string, test bool) bool {
	if isStandard(imported) {
		return true
	}
	own := strings.TrimPrefix(imported, Module+"/")
	if own == dir && test { // an external test
		return true
	}
	allowed := r.May
	if test {
		allowed = append(slices.Clone(allowed), r.Tests...)
	}
	return slices.ContainsFunc(allowed, func(pattern string) bool {
		if of, ok := strings.CutSuffix(pattern, "/..."); ok {
			return within(own, of)
		}
		if isStandard(pattern) { // ours: exactly that package
			return own == pattern && own != imported
		}
		return within(imported, pattern) // a module: all of it
	})
}

func within(p, dir string) bool { return p == dir || strings.HasPrefix(p, dir+"/") }

// isStandard says whether a path is one of the standard library. Only others
// have a dot in their first part; our own module is neither.
func isStandard(p string) bool {
	first, _, _ := strings.Cut(p, "/")
	return !strings.Contains(first, ".") && first != Module
}

// standardName is the name of a standard package: math/rand/v2 is rand.
func standardName(p string) string {
	dir, base := path.Split(p)
	if len(base) > 1 && base[0] == 'v' && strings.Trim(base[1:], "0123456789") == "" {
		return path.Base(dir)
	}
	return base
}
