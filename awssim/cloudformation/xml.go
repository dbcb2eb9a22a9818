package cloudformation

import (
	"encoding/xml"
	"strconv"
	"time"
)

// node is the content of an XML element: text or named children.
type node struct {
	text     string
	children []field
}

// field is one named element. A field without a name is left out, which is how
// optional values disappear.
type field struct {
	name string
	node node
}

// MarshalXML writes the text and the children as an element.
func (n node) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	if err := e.EncodeToken(start); err != nil {
		return err
	}
	if err := e.EncodeToken(xml.CharData(n.text)); err != nil {
		return err
	}
	for _, child := range n.children {
		if child.name == "" {
			continue
		}
		if err := child.node.MarshalXML(e, xml.StartElement{Name: xml.Name{Local: child.name}}); err != nil {
			return err
		}
	}
	return e.EncodeToken(start.End())
}

func fields(children ...field) node { return node{children: children} }

func text(name, value string) field { return field{name, node{text: value}} }

// optional leaves an empty text out.
func optional(name, value string) field {
	if value == "" {
		return field{}
	}
	return text(name, value)
}

func boolean(name string, value bool) field { return text(name, strconv.FormatBool(value)) }

// moment writes a time in UTC with milliseconds, and leaves the zero time out.
func moment(name string, t time.Time) field {
	if t.IsZero() {
		return field{}
	}
	return text(name, t.UTC().Format("2006-01-02T15:04:05.000Z"))
}

func group(name string, children ...field) field { return field{name, fields(children...)} }

// list writes <name><member>…</member>…</name>.
func list[T any](name string, items []T, each func(T) node) field {
	f := field{name: name}
	for _, item := range items {
		f.node.children = append(f.node.children, field{"member", each(item)})
	}
	return f
}

func textList(name string, items []string) field {
	return list(name, items, func(s string) node { return node{text: s} })
}

// optionalList leaves an empty list out.
func optionalList[T any](name string, items []T, each func(T) node) field {
	if len(items) == 0 {
		return field{}
	}
	return list(name, items, each)
}
