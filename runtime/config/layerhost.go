package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"
)

// hostAddress makes a URL of one of the forms that channels_redis takes.
func hostAddress(v json.RawMessage) (string, error) {
	var address string
	var pair []any
	var dict map[string]json.RawMessage
	switch {
	case json.Unmarshal(v, &address) == nil && address != "":
		return address, nil
	case json.Unmarshal(v, &pair) == nil:
		return pairAddress(pair)
	case json.Unmarshal(v, &dict) == nil:
		return dictAddress(dict)
	}
	return "", errors.New(`not a host: give a URL, [host, port] or {"address": URL}`)
}

func pairAddress(pair []any) (string, error) {
	if len(pair) == 2 {
		host, text := pair[0].(string)
		port, number := pair[1].(float64)
		if text && number && host != "" && port >= 1 && port <= 65535 && port == math.Trunc(port) {
			return "redis://" + net.JoinHostPort(host, strconv.Itoa(int(port))), nil
		}
	}
	return "", errors.New(`not [host, port]: give ["localhost", 6379]`)
}

func dictAddress(dict map[string]json.RawMessage) (string, error) {
	others := slices.DeleteFunc(sortedKeys(dict), func(key string) bool { return key == "address" })
	if len(others) > 0 {
		return "", fmt.Errorf("%s: not supported: put everything into {\"address\": URL}", strings.Join(others, ", "))
	}
	var address string
	if json.Unmarshal(dict["address"], &address) != nil || address == "" {
		return "", errors.New("address: not the URL of a Redis server")
	}
	return address, nil
}
