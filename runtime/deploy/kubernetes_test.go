package deploy_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"chanmqttproxy/runtime/config"
	"chanmqttproxy/test/kit"
)

// monitor is for the Prometheus operator, and not among what is sent by default.
const monitor = "kubernetes/servicemonitor.yaml"

// object is what is looked at of an object of Kubernetes.
type object struct {
	Kind     string
	Metadata struct{ Name string }
	Data     map[string]string
	Spec     struct {
		Selector     map[string]any
		PodSelector  map[string]any `yaml:"podSelector"`
		MinAvailable int            `yaml:"minAvailable"`
		Replicas     int
		Template     struct {
			Metadata struct{ Labels map[string]any }
			Spec     pod
		}
		Ports   []port
		Ingress []struct{ Ports []port }
		Egress  []struct{ Ports []port }
	}
}

type port struct {
	Name          string
	Port          int
	TargetPort    string `yaml:"targetPort"`
	ContainerPort int    `yaml:"containerPort"`
}

type pod struct {
	TerminationGracePeriodSeconds int `yaml:"terminationGracePeriodSeconds"`
	Containers                    []struct {
		Env            []struct{ Name, Value string }
		Ports          []port
		LivenessProbe  probe `yaml:"livenessProbe"`
		ReadinessProbe probe `yaml:"readinessProbe"`
		Resources      struct{ Limits struct{ Memory string } }
	}
}

type probe struct {
	HTTPGet struct{ Path string } `yaml:"httpGet"`
}

// TestKubernetes makes what "kubectl apply -k" would send, checks it against the types and
// the schemas of Kubernetes, and compares it with the program's settings.
func TestKubernetes(t *testing.T) {
	t.Parallel()
	manifests := rendered(t)
	objects := map[string]object{}
	for _, document := range bytes.Split(manifests, []byte("\n---\n")) {
		wantValid(t, document)
		var o object
		if err := yaml.Unmarshal(document, &o); err != nil {
			t.Fatal(err)
		}
		objects[o.Kind] = o
	}
	deployment := objects["Deployment"].Spec
	labels, worker := deployment.Template.Metadata.Labels, deployment.Template.Spec.Containers[0]
	selected := map[string]map[string]any{
		"Deployment":          matched(deployment.Selector),
		"Service":             objects["Service"].Spec.Selector,
		"PodDisruptionBudget": matched(objects["PodDisruptionBudget"].Spec.Selector),
		"NetworkPolicy":       matched(objects["NetworkPolicy"].Spec.PodSelector),
	}
	for kind, selector := range selected {
		if !maps.Equal(selector, labels) {
			t.Errorf("the %s is for pods with the labels %v, and they have %v", kind, selector, labels)
		}
	}
	if deployment.Replicas <= objects["PodDisruptionBudget"].Spec.MinAvailable {
		t.Error("no node can ever be emptied")
	}

	environment := maps.Clone(objects["ConfigMap"].Data)
	for _, e := range worker.Env {
		environment[e.Name] = e.Value
	}
	c := load(t, environment)
	if grace := time.Duration(deployment.Template.Spec.TerminationGracePeriodSeconds) * time.Second; grace <= c.ShutdownTimeout {
		t.Errorf("it is killed after %v, and may take %v to stop", grace, c.ShutdownTimeout)
	}
	http := worker.Ports[0]
	if c.HTTP.Listen != fmt.Sprintf(":%d", http.ContainerPort) || worker.LivenessProbe.HTTPGet.Path != "/livez" || worker.ReadinessProbe.HTTPGet.Path != "/readyz" {
		t.Errorf("it listens at %s, and is asked at %+v", c.HTTP.Listen, worker)
	}
	if s := objects["Service"].Spec.Ports[0]; s.TargetPort != http.Name || s.Port != http.ContainerPort {
		t.Errorf("the service is for the port %+v, and the pod has %+v", s, http)
	}
	if environment["GOMEMLIMIT"] != "" || worker.Resources.Limits.Memory == "" {
		t.Error("the program sets GOMEMLIMIT itself, to a part of the limit: there must be one, and nothing above it")
	}
	wantReached(t, objects["NetworkPolicy"], c, http.ContainerPort)
}

// rendered is what kustomize makes of the folder. The ServiceMonitor is checked with it.
func rendered(t *testing.T) []byte {
	t.Helper()
	folder, err := filepath.Abs("kubernetes")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), kit.Need(t, "go"), "-C", "../../test/manifests", "run", ".", folder, filepath.Join(filepath.Dir(folder), monitor))
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("making the manifests: %v\n%s", err, problems.String())
	}
	return out
}

func matched(selector map[string]any) map[string]any {
	labels, _ := selector["matchLabels"].(map[string]any)
	return labels
}

// wantReached wants the policy to let through what the settings name.
func wantReached(t *testing.T, policy object, c *config.Config, http int) {
	t.Helper()
	var egress []string
	for _, rule := range policy.Spec.Egress {
		for _, p := range rule.Ports {
			egress = append(egress, strconv.Itoa(p.Port))
		}
	}
	// The Secret names Redis at its usual port.
	for _, port := range []string{"53", "6379", c.Broker.Servers[0].Port()} {
		if !slices.Contains(egress, port) {
			t.Errorf("the policy keeps the worker from port %s: %v", port, egress)
		}
	}
	if policy.Spec.Ingress[0].Ports[0].Port != http {
		t.Errorf("the policy keeps others from port %d", http)
	}
}

// wantValid checks an object against the strict schemas of an old and of a new Kubernetes,
// in which what has to be there is required.
func wantValid(t *testing.T, document []byte) {
	t.Helper()
	var value map[string]any
	if err := yaml.Unmarshal(document, &value); err != nil {
		t.Fatal(err)
	}
	version, _ := value["apiVersion"].(string)
	group, number, grouped := strings.Cut(version, "/")
	name := strings.ToLower(fmt.Sprint(value["kind"])) + "-" + version
	if grouped {
		name = fmt.Sprintf("%s-%s-%s", strings.ToLower(fmt.Sprint(value["kind"])), strings.Split(group, ".")[0], number)
	}
	for _, folder := range kit.KubernetesSchemas(t) {
		compiler := jsonschema.NewCompiler()
		compiler.UseLoader(schemas(folder))
		schema, err := compiler.Compile(schemaURL + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s: %v", filepath.Base(folder), err)
		}
	}
}

// schemaURL is what the schemas call each other by.
const schemaURL = "https://kubernetes.io/api/"

// schemas reads them from a folder.
type schemas string

// Load reads one.
func (s schemas) Load(url string) (any, error) {
	file, err := os.Open(filepath.Join(string(s), strings.TrimPrefix(url, schemaURL)))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return jsonschema.UnmarshalJSON(file)
}
