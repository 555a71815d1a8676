// add: read, read, read, read, read_write
@group(0) @binding(0) var<uniform> words: array<vec4<u32>, 1>;
@group(0) @binding(1) var<storage, read> b0: array<f32, 1>;
@group(0) @binding(2) var<storage, read> b1: array<f32, 4>;
@group(0) @binding(3) var<storage, read> b2: array<f32, 1>;
@group(0) @binding(4) var<storage, read> b3: array<f32, 4>;
@group(0) @binding(5) var<storage, read_write> b4: array<f32, 4>;

@compute @workgroup_size(16, 1, 1)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
  let p0 = bitcast<i32>(words[0].x);
  let v0 = (i32(workgroup.x) * 16i) + i32(lane.x);
  if (v0 < p0) {
    let v1 = min(v0, 3i);
    let v2 = b0[0i];
    let v3 = b1[v1];
    let v4 = b2[0i];
    let v5 = b3[v1];
    b4[v1] = ((v2 * v3) + v4) + (-v5);
  }
}

// sum_finite: read, read_write, read, read_write, read_write, read_write, read_write
@group(0) @binding(0) var<uniform> words: array<vec4<u32>, 1>;
@group(0) @binding(1) var<storage, read> b0: array<f32, 4>;
@group(0) @binding(2) var<storage, read_write> b1: array<u32, 1>;
@group(0) @binding(3) var<storage, read> b2: array<f32, 4>;
@group(0) @binding(4) var<storage, read_write> b3: array<f32, 1>;
@group(0) @binding(5) var<storage, read_write> b4: array<f32, 1>;
@group(0) @binding(6) var<storage, read_write> b5: array<f32, 1>;
@group(0) @binding(7) var<storage, read_write> b6: array<u32, 1>;

fn nabla_is_finite(a0: f32) -> bool {
  return (bitcast<u32>(a0) & 2139095040u) != 2139095040u;
}

@compute @workgroup_size(16, 1, 1)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
  let v0 = (i32(workgroup.x) * 16i) + i32(lane.x);
  if (v0 < 1i) {
    let p0 = bitcast<f32>(words[0].x);
    let p1 = bitcast<f32>(words[0].y);
    let p2 = bitcast<f32>(words[0].z);
    let p3 = bitcast<i32>(words[0].w);
    var v2: f32 = 0.0f;
    for (var v3: i32 = 0i; v3 < p3; v3++) {
      let v4 = b0[v3];
      let v5 = v4 * v4;
      v2 = v2 + v5;
    }
    let v6 = v2 / p0;
    let v7 = b1[0i];
    var v8: f32 = 0.0f;
    for (var v9: i32 = 0i; v9 < p3; v9++) {
      let v10 = b0[v9];
      let v11 = b2[v9];
      let v12 = ((v10 / p0) * 2.0f) * v11;
      v8 = v8 + v12;
    }
    var v13: f32 = 0.0f;
    for (var v14: i32 = 0i; v14 < p3; v14++) {
      let v15 = b0[v14];
      let v16 = (v15 / p0) * 2.0f;
      v13 = v13 + v16;
    }
    let v17 = select(select(0u, u32(p1), ((!nabla_is_finite(v6)) | (!nabla_is_finite(v8))) | (!nabla_is_finite(v13))), v7, v7 != 0u);
    let v18 = v17 == 0u;
    let v19 = b3[0i];
    let v20 = b4[0i];
    b5[0i] = v6;
    b6[0i] = v17;
    b1[0i] = v17;
    b3[0i] = select(v19, v19 + (v8 * p2), v18);
    b4[0i] = select(v20, v20 + (v13 * p2), v18);
  }
}
