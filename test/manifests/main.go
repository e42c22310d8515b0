// Command manifests makes what "kubectl apply -k FOLDER" would send, and writes it to
// standard output. It checks it, and the FILEs, against the types of Kubernetes' own API
// and of the Prometheus operator: an unknown field, or a value of the wrong kind, is an
// error.
//
//	manifests FOLDER [FILE...]
//
// It is a module of its own, so that the worker's does not depend on these types.
package main

import (
	"bytes"
	"fmt"
	"os"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// kinds are those that are known, as apiVersion and kind name them.
var kinds = map[string]func() any{
	"apps/v1 Deployment":                      func() any { return &appsv1.Deployment{} },
	"v1 ConfigMap":                            func() any { return &corev1.ConfigMap{} },
	"v1 Secret":                               func() any { return &corev1.Secret{} },
	"v1 Service":                              func() any { return &corev1.Service{} },
	"policy/v1 PodDisruptionBudget":           func() any { return &policyv1.PodDisruptionBudget{} },
	"networking.k8s.io/v1 NetworkPolicy":      func() any { return &networkingv1.NetworkPolicy{} },
	"monitoring.coreos.com/v1 ServiceMonitor": func() any { return &monitoringv1.ServiceMonitor{} },
}

func main() {
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(folder string, files []string) error {
	made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), folder)
	if err != nil {
		return fmt.Errorf("making the manifests of %s: %w", folder, err)
	}
	content, err := made.AsYaml()
	if err != nil {
		return fmt.Errorf("writing the manifests of %s: %w", folder, err)
	}
	if err := check(content); err != nil {
		return fmt.Errorf("%s: %w", folder, err)
	}
	for _, file := range files {
		extra, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("reading a manifest: %w", err)
		}
		if err := check(extra); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	_, err = os.Stdout.Write(content)
	return err
}

// check checks every document of a file.
func check(content []byte) error {
	for _, document := range bytes.Split(content, []byte("\n---\n")) {
		var head struct{ APIVersion, Kind string }
		if err := yaml.Unmarshal(document, &head); err != nil {
			return fmt.Errorf("reading what kind it is of: %w", err)
		}
		make, known := kinds[head.APIVersion+" "+head.Kind]
		if !known {
			return fmt.Errorf("%q of %q is no kind that is checked here: add it", head.Kind, head.APIVersion)
		}
		if err := yaml.UnmarshalStrict(document, make()); err != nil {
			return fmt.Errorf("a %s: %w", head.Kind, err)
		}
	}
	return nil
}
