// add_then_sum_finite: read_write, read, read_write, read, read_write, read_write, read_write, read_write
@group(0) @binding(0) var<uniform> words: array<vec4<u32>, 1>;
@group(0) @binding(1) var<storage, read_write> b0: array<f32, 1>;
@group(0) @binding(2) var<storage, read> b1: array<f32, 4>;
@group(0) @binding(3) var<storage, read_write> b2: array<f32, 1>;
@group(0) @binding(4) var<storage, read> b3: array<f32, 4>;
@group(0) @binding(5) var<storage, read_write> b4: array<f32, 4>;
@group(0) @binding(6) var<storage, read_write> b5: array<u32, 1>;
@group(0) @binding(7) var<storage, read_write> b6: array<f32, 1>;
@group(0) @binding(8) var<storage, read_write> b7: array<u32, 1>;

fn nabla_is_finite(a0: f32) -> bool {
  return (bitcast<u32>(a0) & 2139095040u) != 2139095040u;
}

@compute @workgroup_size(4, 1, 1)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
  let p0 = bitcast<i32>(words[0].x);
  let v0 = (p0 + 3i) / 4i;
  for (var v1: i32 = 0i; v1 < v0; v1++) {
    let v2 = (v1 * 4i) + i32(lane.x);
    let v5 = v2;
    if (v5 < p0) {
      let v6 = min(v5, 3i);
      let v7 = b0[0i];
      let v8 = b1[v6];
      let v9 = b2[0i];
      let v10 = b3[v6];
      b4[v6] = ((v7 * v8) + v9) + (-v10);
    }
  }
  storageBarrier();
  let v13 = i32(lane.x);
  if (v13 < 1i) {
    let p1 = bitcast<f32>(words[0].y);
    let p2 = bitcast<f32>(words[0].z);
    let p3 = bitcast<f32>(words[0].w);
    let v15 = b5[0i];
    let v16 = b0[0i];
    let v17 = b2[0i];
    var v18: f32 = 0.0f;
    var v19: f32 = 0.0f;
    var v20: f32 = 0.0f;
    for (var v21: i32 = 0i; v21 < p0; v21++) {
      let v22 = b4[v21];
      let v23 = v22 * v22;
      v18 = v18 + v23;
      let v24 = b1[v21];
      let v25 = ((v22 / p1) * 2.0f) * v24;
      v19 = v19 + v25;
      let v26 = (v22 / p1) * 2.0f;
      v20 = v20 + v26;
    }
    let v27 = v18 / p1;
    let v28 = select(select(0u, u32(p2), ((!nabla_is_finite(v27)) | (!nabla_is_finite(v19))) | (!nabla_is_finite(v20))), v15, v15 != 0u);
    let v29 = v28 == 0u;
    b6[0i] = v27;
    b7[0i] = v28;
    b5[0i] = v28;
    b0[0i] = select(v16, v16 + (v19 * p3), v29);
    b2[0i] = select(v17, v17 + (v20 * p3), v29);
  }
}
