// api-server runs the API server of Kubernetes with its store in one process, for tests: nothing schedules or runs pods,
// no controller looks after objects, and whoever has the token may do everything. It listens on 127.0.0.1 alone.
//
//	api-server FOLDER [FLAG OF KUBE-APISERVER]...
//
// FOLDER/kubeconfig is there as soon as the server answers. The server ends with its standard input, so that it never
// outlives who has started it.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

// How long the server may take until it answers, on a machine that has other things to do.
const patience = 3 * time.Minute

func main() {
	if len(os.Args) < 2 {
		fail(errors.New("usage: api-server FOLDER [FLAG OF KUBE-APISERVER]..."))
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	folder, err := filepath.Abs(os.Args[1])
	if err == nil {
		err = serve(folder, os.Args[2:])
	}
	fail(err)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "api-server:", err)
	os.Exit(1)
}

func serve(folder string, flags []string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	store, err := startStore(filepath.Join(folder, "store"))
	if err != nil {
		return err
	}
	address, err := freeAddress()
	if err != nil {
		return err
	}
	token := rand.Text()
	tokens, key := filepath.Join(folder, "tokens"), filepath.Join(folder, "accounts.key")
	if err := errors.Join(os.WriteFile(tokens, []byte(token+",admin,admin,system:masters\n"), 0o600), writeKey(key)); err != nil {
		return err
	}
	go announce(folder, address.String(), token)
	command := app.NewAPIServerCommand()
	command.SetArgs(append([]string{
		"--etcd-servers=http://" + store,
		"--bind-address=127.0.0.1",
		"--advertise-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", address.Port),
		"--endpoint-reconciler-type=none",
		// The server makes its certificate there.
		"--cert-dir=" + folder,
		"--token-auth-file=" + tokens,
		"--anonymous-auth=false",
		"--authorization-mode=AlwaysAllow",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + key,
		"--service-account-signing-key-file=" + key,
		"--service-cluster-ip-range=10.0.0.0/24",
		// What these wait for is made or taken away by controllers.
		"--disable-admission-plugins=ServiceAccount,StorageObjectInUseProtection,TaintNodesByCondition",
		"--enable-priority-and-fairness=false",
		"--profiling=false",
		"--shutdown-delay-duration=0",
	}, flags...))
	return command.Execute()
}

// startStore starts etcd, and returns where it listens.
func startStore(folder string) (string, error) {
	config := embed.NewConfig()
	config.Dir = folder
	config.LogLevel = "error"
	// Nobody needs the data after a crash.
	config.UnsafeNoFsync = true
	wal.SegmentSizeBytes = 1 << 22
	// The only member elects itself at once.
	config.TickMs, config.ElectionMs = 10, 100
	local := []url.URL{{Scheme: "http", Host: "127.0.0.1:0"}}
	config.ListenClientUrls, config.AdvertiseClientUrls = local, local
	config.ListenPeerUrls, config.AdvertisePeerUrls = local, local
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	store, err := embed.StartEtcd(config)
	if err != nil {
		return "", err
	}
	select {
	case <-store.Server.ReadyNotify():
		return store.Clients[0].Addr().String(), nil
	case <-time.After(patience):
		return "", errors.New("etcd is not ready")
	}
}

func freeAddress() (*net.TCPAddr, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return listener.Addr().(*net.TCPAddr), listener.Close()
}

// writeKey makes the key of service accounts' tokens, which the server wants and nobody uses.
func writeKey(file string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	bytes, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: bytes}), 0o600)
}

const kubeconfig = `apiVersion: v1
kind: Config
current-context: api-server
contexts:
- {name: api-server, context: {cluster: api-server, user: admin, namespace: default}}
clusters:
- {name: api-server, cluster: {server: "https://%s", certificate-authority: apiserver.crt}}
users:
- {name: admin, user: {token: %s}}
`

// announce writes the kubeconfig when the server answers.
func announce(folder, address, token string) {
	for begun := time.Now(); !answers(folder, address, token); time.Sleep(50 * time.Millisecond) {
		if time.Since(begun) > patience {
			fail(fmt.Errorf("the server does not answer after %s", patience))
		}
	}
	file := filepath.Join(folder, "kubeconfig")
	// Whoever waits for the file finds it whole.
	text := []byte(fmt.Sprintf(kubeconfig, address, token))
	if err := errors.Join(os.WriteFile(file+".new", text, 0o600), os.Rename(file+".new", file)); err != nil {
		fail(err)
	}
	fmt.Println(file)
}

// answers asks whether the server is ready, and has made the first namespace, a moment later.
func answers(folder, address, token string) bool {
	certificate, err := os.ReadFile(filepath.Join(folder, "apiserver.crt"))
	if err != nil {
		return false
	}
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM(certificate)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authorities}, DisableKeepAlives: true}
	client := &http.Client{Timeout: 2 * time.Second, Transport: transport}
	for _, path := range []string{"/readyz", "/api/v1/namespaces/default"} {
		request, err := http.NewRequest(http.MethodGet, "https://"+address+path, nil)
		if err != nil {
			return false
		}
		request.Header.Set("Authorization", "Bearer "+token)
		response, err := client.Do(request)
		if err != nil {
			return false
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return false
		}
	}
	return true
}
