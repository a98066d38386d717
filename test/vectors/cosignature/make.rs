// Makes checkpoint.txt and policy.json of this folder with the crate `tlog_cosignature` of cloudflare/azul, which shares no code
// with Moonseal: the golden checkpoint of ../evidence with an ML-DSA-44 cosignature (C2SP tlog-cosignature, type 0x06) under it.
// Put it into crates/tlog_cosignature/examples of a clone (commit of 2026-07-23) and run it there, with `base64ct` as a further
// dev-dependency: cargo run --example make -- <repository>/test/vectors
//
// Deterministic: the seed is bytes of one value, as in no real key, and the signature is made without randomness.
use base64ct::{Base64, Encoding};
use ml_dsa::{ExpandedSigningKey, MlDsa44, B32};
use signed_note::{compute_key_id, KeyName};
use tlog_checkpoint::{CheckpointSigner, CheckpointText};
use tlog_cosignature::SubtreeV1CheckpointSigner;

const NAME: &str = "witness.example/w1";
const SECONDS: u64 = 1_795_259_651;

fn main() {
    let folder = std::env::args().nth(1).expect("the folder test/vectors");
    let signed = std::fs::read_to_string(format!("{folder}/evidence/checkpoint.txt")).unwrap();
    let text = &signed[..signed.find("\n\n").unwrap() + 1];
    let key = ExpandedSigningKey::<MlDsa44>::from_seed(&B32::from([3u8; 32]));
    let public = key.verifying_key().encode();
    let name = KeyName::new(NAME.to_string()).unwrap();
    let id = compute_key_id(&name, &[0x06], public.as_slice());
    let signer = SubtreeV1CheckpointSigner::new(name, key);
    let checkpoint = CheckpointText::from_bytes(text.as_bytes()).unwrap();
    let signature = signer.sign(SECONDS * 1000, &checkpoint).unwrap();
    let line = String::from_utf8(signature.to_bytes()).unwrap();
    std::fs::write(format!("{folder}/cosignature/checkpoint.txt"), format!("{signed}{line}")).unwrap();

    let typed = [&[0x06u8], public.as_slice()].concat();
    let second = format!("{NAME}+{id:08x}+{}", Base64::encode_string(&typed));
    let policy = std::fs::read_to_string(format!("{folder}/evidence/policy.json")).unwrap();
    let first = policy.split("\"key\": \"witness").nth(1).unwrap().split('"').next().unwrap();
    let both = policy.replace(
        &format!("\"key\": \"witness{first}\""),
        &format!("\"keys\": [\n        \"witness{first}\",\n        \"{second}\"\n      ]"),
    );
    std::fs::write(format!("{folder}/cosignature/policy.json"), both).unwrap();
}
