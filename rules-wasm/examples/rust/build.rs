//! Lists the rules of `src/rules`.

fn main() {
    karpcheck_sdk::build::rules();
}
