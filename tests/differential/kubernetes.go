package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// object is a mapping as Go's readers make one.
type object = map[string]any

// readStream reads what kubectl, Helm and the API server read of a stream: its objects, with those of lists in the
// place of the lists.
func readStream(stream []byte) (objects []object, err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			err = fmt.Errorf("the reader panicked: %v", panicked)
		}
	}()
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(stream), 4096)
	for {
		var document runtime.RawExtension
		if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
			return objects, nil
		} else if err != nil {
			return nil, err
		}
		text := bytes.TrimSpace(document.Raw)
		if len(text) == 0 || string(text) == "null" {
			continue
		}
		read, _, err := unstructured.UnstructuredJSONScheme.Decode(text, nil, nil)
		if err != nil {
			return nil, err
		}
		if objects, err = flatten(read, objects); err != nil {
			return nil, err
		}
	}
}

// flatten adds an object, or the items of a list and of the lists among them, as kubectl's visitor does.
func flatten(read runtime.Object, objects []object) ([]object, error) {
	pending := []runtime.Object{read}
	for at := 0; at < len(pending); at++ {
		if !meta.IsListType(pending[at]) {
			single, ok := pending[at].(*unstructured.Unstructured)
			if !ok {
				return nil, fmt.Errorf("no object: %T", pending[at])
			}
			objects = append(objects, single.Object)
			continue
		}
		items, err := meta.ExtractList(pending[at])
		if err != nil {
			return nil, err
		}
		if failed := runtime.DecodeList(items, unstructured.UnstructuredJSONScheme); len(failed) > 0 {
			return nil, failed[0]
		}
		pending = append(pending, items...)
	}
	return objects, nil
}

// isSecret says whether the API server would take this for a Secret of its core group.
func isSecret(candidate object) bool { return isCore(candidate, "Secret") }

// isConfigMap says whether it would take this for a ConfigMap.
func isConfigMap(candidate object) bool { return isCore(candidate, "ConfigMap") }

func isCore(candidate object, name string) bool {
	kind := (&unstructured.Unstructured{Object: candidate}).GroupVersionKind()
	return kind.Kind == name && kind.Group == "" && (kind.Version == "v1" || kind.Version == "")
}
