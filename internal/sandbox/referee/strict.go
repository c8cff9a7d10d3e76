// Strictness: a field the document does not name is a deviation too. JSON Schema allows extra fields, so objects
// are closed here, after objects composed with allOf have been merged into one.

package referee

import (
	"maps"

	"github.com/getkin/kin-openapi/openapi3"
)

func closeObjects(doc *openapi3.T) {
	w := walker{seen: map[*openapi3.Schema]bool{}, open: map[*openapi3.Schema]bool{}}
	w.document(doc)
	no := false
	for schema := range w.seen {
		composed := len(schema.AllOf)+len(schema.OneOf)+len(schema.AnyOf) > 0
		free := schema.AdditionalProperties.Has != nil || schema.AdditionalProperties.Schema != nil
		if len(schema.Properties) > 0 && !composed && !free && !w.open[schema] {
			schema.AdditionalProperties.Has = &no
		}
	}
}

// walker visits every schema once, children first.
type walker struct {
	seen map[*openapi3.Schema]bool
	open map[*openapi3.Schema]bool // parts of compositions that could not be merged
}

func (w walker) document(doc *openapi3.T) {
	if doc.Components != nil {
		for _, ref := range doc.Components.Schemas {
			w.schema(ref)
		}
		for _, ref := range doc.Components.RequestBodies {
			w.content(ref.Value.Content)
		}
		for _, ref := range doc.Components.Responses {
			w.content(ref.Value.Content)
		}
	}
	for _, item := range doc.Paths.Map() {
		for _, operation := range item.Operations() {
			if operation.RequestBody != nil {
				w.content(operation.RequestBody.Value.Content)
			}
			for _, ref := range operation.Responses.Map() {
				w.content(ref.Value.Content)
			}
		}
	}
}

func (w walker) content(content openapi3.Content) {
	for _, media := range content {
		w.schema(media.Schema)
	}
}

func (w walker) schema(ref *openapi3.SchemaRef) {
	if ref == nil || ref.Value == nil || w.seen[ref.Value] {
		return
	}
	s := ref.Value
	w.seen[s] = true
	for _, child := range s.Properties {
		w.schema(child)
	}
	for _, refs := range []openapi3.SchemaRefs{s.AllOf, s.OneOf, s.AnyOf} {
		for _, child := range refs {
			w.schema(child)
		}
	}
	w.schema(s.Items)
	w.schema(s.AdditionalProperties.Schema)
	if len(s.AllOf) == 0 {
		return
	}
	if !merge(s) {
		for _, child := range s.AllOf {
			w.open[child.Value] = true
			for _, part := range append(child.Value.OneOf, child.Value.AnyOf...) {
				w.open[part.Value] = true
			}
		}
		for _, part := range s.OneOf {
			w.open[part.Value] = true
		}
	}
}

// merge turns an allOf of plain objects into one object; false when a part is something else.
func merge(s *openapi3.Schema) bool {
	if len(s.OneOf)+len(s.AnyOf) > 0 {
		return false
	}
	properties, required := openapi3.Schemas{}, s.Required
	for _, part := range s.AllOf {
		p := part.Value
		if len(p.AllOf)+len(p.OneOf)+len(p.AnyOf) > 0 || p.Type != nil && !p.Type.Is("object") {
			return false
		}
		maps.Copy(properties, p.Properties)
		required = append(required, p.Required...)
	}
	maps.Copy(properties, s.Properties)
	s.AllOf, s.Type, s.Properties, s.Required = nil, &openapi3.Types{"object"}, properties, required
	return true
}
