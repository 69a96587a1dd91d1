;; Has few memories, each well below the bound, and all together above it.
(memory $a 0) (memory $b 0) (memory $c 0) (memory $d 0) (memory $e 0)
(func $check (param $rule i32) (param $rule-size i32) (param $item i32) (result i32)
  (drop (memory.grow $a (i32.const 480)))
  (drop (memory.grow $b (i32.const 480)))
  (drop (memory.grow $c (i32.const 480)))
  (drop (memory.grow $d (i32.const 480)))
  (drop (memory.grow $e (i32.const 480)))
  (call $pass))
