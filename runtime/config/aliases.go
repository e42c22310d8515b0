package config

import "strings"

// aliases are names that other programs have for what is called otherwise here.
var aliases = map[string]string{
	"MQTT_USERNAME": "MQTT_USER", "MQTT_USER_NAME": "MQTT_USER", "MQTT_LOGIN": "MQTT_USER",
	"MQTT_BROKER_USER": "MQTT_USER", "MQTT_BROKER_USERNAME": "MQTT_USER",
	"MQTT_PASS": "MQTT_PASSWORD", "MQTT_PASSWD": "MQTT_PASSWORD", "MQTT_PWD": "MQTT_PASSWORD", "MQTT_BROKER_PASSWORD": "MQTT_PASSWORD",
	"MQTT_BROKER": "MQTT_HOST", "MQTT_SERVER": "MQTT_HOST", "MQTT_HOSTNAME": "MQTT_HOST", "MQTT_ADDRESS": "MQTT_HOST",
	"MQTT_BROKER_HOST": "MQTT_HOST", "MQTT_BROKER_ADDRESS": "MQTT_HOST", "MQTT_SERVERS": "MQTT_HOST", "MQTT_BROKERS": "MQTT_HOST",
	"MQTT_URL": "MQTT_HOST", "MQTT_URI": "MQTT_HOST", "MQTT_BROKER_URL": "MQTT_HOST", "MQTT_BROKER_URI": "MQTT_HOST",
	"MQTT_TLS": "MQTT_HOST", "MQTT_USE_TLS": "MQTT_HOST", "MQTT_SSL": "MQTT_HOST", "MQTT_USE_SSL": "MQTT_HOST",
	"MQTT_BROKER_PORT": "MQTT_PORT", "MQTT_SERVER_PORT": "MQTT_PORT", "MQTT_TCP_PORT": "MQTT_PORT",
	"MQTT_PROTOCOL": "MQTT_VERSION", "MQTT_PROTOCOL_VERSION": "MQTT_VERSION",
	"MQTT_CHANNEL": "MQTT_CHANNEL_NAME", "MQTT_CLIENT": "MQTT_CLIENT_ID", "MQTT_CLIENT_NAME": "MQTT_CLIENT_ID",
	"MQTT_CA": "MQTT_TLS_CA", "MQTT_CAFILE": "MQTT_TLS_CA", "MQTT_CA_FILE": "MQTT_TLS_CA", "MQTT_CA_CERT": "MQTT_TLS_CA", "MQTT_CA_CERTS": "MQTT_TLS_CA", "MQTT_TLS_CA_CERT": "MQTT_TLS_CA",
	"MQTT_CERT": "MQTT_TLS_CERT", "MQTT_CERTFILE": "MQTT_TLS_CERT", "MQTT_CERT_FILE": "MQTT_TLS_CERT", "MQTT_CLIENT_CERT": "MQTT_TLS_CERT",
	"MQTT_KEY": "MQTT_TLS_KEY", "MQTT_KEYFILE": "MQTT_TLS_KEY", "MQTT_KEY_FILE": "MQTT_TLS_KEY", "MQTT_CLIENT_KEY": "MQTT_TLS_KEY",
	"MQTT_INSECURE": "MQTT_TLS_INSECURE", "MQTT_SSL_INSECURE": "MQTT_TLS_INSECURE",
}

// aliasOf is that of the names which is meant by a word, in whichever form they are
// written; "": none is.
func aliasOf(word string, names []string) string {
	plain := strings.NewReplacer("-", "_")
	meant := aliases[strings.ToUpper(plain.Replace(word))]
	for _, name := range names {
		if meant != "" && strings.ToUpper(plain.Replace(name)) == meant {
			return name
		}
	}
	return ""
}

// DidYouMean is the end of a sentence about a flag that there is not; "" where no setting
// has such a name.
func DidYouMean(flag string) string {
	if name := didYouMean(flag, names(asFlag)); name != "" {
		return strings.Replace(name, "mean ", "mean --", 1)
	}
	return ""
}
