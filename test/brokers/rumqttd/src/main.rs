// Runs rumqttd with the configuration in the file that the first argument names.
fn main() {
    let file = std::env::args().nth(1).expect("usage: kit-rumqttd FILE");
    let config = config::Config::builder()
        .add_source(config::File::with_name(&file))
        .build()
        .and_then(|c| c.try_deserialize())
        .expect("reading the configuration");
    rumqttd::Broker::new(config).start().expect("running rumqttd");
}
