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
    var v15: f32 = 0.0f;
    for (var v16: i32 = 0i; v16 < p0; v16++) {
      let v17 = b4[v16];
      let v18 = v17 * v17;
      v15 = v15 + v18;
    }
    let v19 = v15 / p1;
    let v20 = b5[0i];
    var v21: f32 = 0.0f;
    for (var v22: i32 = 0i; v22 < p0; v22++) {
      let v23 = b4[v22];
      let v24 = b1[v22];
      let v25 = ((v23 / p1) * 2.0f) * v24;
      v21 = v21 + v25;
    }
    var v26: f32 = 0.0f;
    for (var v27: i32 = 0i; v27 < p0; v27++) {
      let v28 = b4[v27];
      let v29 = (v28 / p1) * 2.0f;
      v26 = v26 + v29;
    }
    let v30 = select(select(0u, u32(p2), ((!nabla_is_finite(v19)) | (!nabla_is_finite(v21))) | (!nabla_is_finite(v26))), v20, v20 != 0u);
    let v31 = v30 == 0u;
    let v32 = b0[0i];
    let v33 = b2[0i];
    b6[0i] = v19;
    b7[0i] = v30;
    b5[0i] = v30;
    b0[0i] = select(v32, v32 + (v21 * p3), v31);
    b2[0i] = select(v33, v33 + (v26 * p3), v31);
  }
}
