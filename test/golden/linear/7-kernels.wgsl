// mul: read, read, read, read, read_write, read_write
@group(0) @binding(0) var<uniform> words: array<vec4<u32>, 1>;
@group(0) @binding(1) var<storage, read> b0: array<f32, 1>;
@group(0) @binding(2) var<storage, read> b1: array<f32, 4>;
@group(0) @binding(3) var<storage, read> b2: array<f32, 1>;
@group(0) @binding(4) var<storage, read> b3: array<f32, 4>;
@group(0) @binding(5) var<storage, read_write> b4: array<f32, 4>;
@group(0) @binding(6) var<storage, read_write> b5: array<f32, 4>;

@compute @workgroup_size(16, 1, 1)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
  let p0 = bitcast<f32>(words[0].x);
  let p1 = bitcast<i32>(words[0].y);
  let v0 = (i32(workgroup.x) * 16i) + i32(lane.x);
  if (v0 < p1) {
    let v1 = min(v0, 3i);
    let v2 = b0[0i];
    let v3 = b1[v1];
    let v4 = b2[0i];
    let v5 = b3[v1];
    let v6 = ((v2 * v3) + v4) + (-v5);
    b4[v1] = v6;
    b5[v1] = (v6 / p0) * 2.0f;
  }
}

// sum: read_write, read, read_write, read_write
@group(0) @binding(0) var<uniform> words: array<vec4<u32>, 1>;
@group(0) @binding(1) var<storage, read_write> b0: array<f32, 4>;
@group(0) @binding(2) var<storage, read> b1: array<f32, 4>;
@group(0) @binding(3) var<storage, read_write> b2: array<f32, 1>;
@group(0) @binding(4) var<storage, read_write> b3: array<f32, 1>;

@compute @workgroup_size(16, 1, 1)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
  let p0 = bitcast<i32>(words[0].x);
  let v0 = (i32(workgroup.x) * 16i) + i32(lane.x);
  if (v0 < 1i) {
    let v1 = min(v0, 0i);
    var v2: f32 = 0.0f;
    for (var v3: i32 = 0i; v3 < p0; v3++) {
      let v4 = b0[v3];
      let v5 = b1[v3];
      let v6 = v4 * v5;
      v2 = v2 + v6;
    }
    var v7: f32 = 0.0f;
    for (var v8: i32 = 0i; v8 < p0; v8++) {
      let v9 = b0[v8];
      v7 = v7 + v9;
    }
    b2[0i] = v2;
    b3[0i] = v7;
  }
}

// sum_finite: read_write, read_write, read_write, read_write, read_write, read_write, read_write
@group(0) @binding(0) var<uniform> words: array<vec4<u32>, 1>;
@group(0) @binding(1) var<storage, read_write> b0: array<f32, 4>;
@group(0) @binding(2) var<storage, read_write> b1: array<u32, 1>;
@group(0) @binding(3) var<storage, read_write> b2: array<f32, 1>;
@group(0) @binding(4) var<storage, read_write> b3: array<f32, 1>;
@group(0) @binding(5) var<storage, read_write> b4: array<f32, 1>;
@group(0) @binding(6) var<storage, read_write> b5: array<u32, 1>;
@group(0) @binding(7) var<storage, read_write> b6: array<u32, 1>;

fn nabla_is_finite(a0: f32) -> bool {
  return (bitcast<u32>(a0) & 2139095040u) != 2139095040u;
}

@compute @workgroup_size(16, 1, 1)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
  let p0 = bitcast<f32>(words[0].x);
  let p1 = bitcast<f32>(words[0].y);
  let p2 = bitcast<i32>(words[0].z);
  let v0 = (i32(workgroup.x) * 16i) + i32(lane.x);
  if (v0 < 1i) {
    let v1 = min(v0, 0i);
    var v2: f32 = 0.0f;
    for (var v3: i32 = 0i; v3 < p2; v3++) {
      let v4 = b0[v3];
      let v5 = v4 * v4;
      v2 = v2 + v5;
    }
    let v6 = v2 / p0;
    let v7 = b1[0i];
    let v8 = b2[0i];
    let v9 = b3[0i];
    let v10 = select(select(0u, u32(p1), ((!nabla_is_finite(v6)) | (!nabla_is_finite(v8))) | (!nabla_is_finite(v9))), v7, v7 != 0u);
    b4[0i] = v6;
    b5[0i] = v10;
    b1[0i] = v10;
    b6[0i] = select(0u, 1u, v10 == 0u);
  }
}

// select: read, read_write, read, read_write, read
@group(0) @binding(0) var<uniform> words: array<vec4<u32>, 1>;
@group(0) @binding(1) var<storage, read> b0: array<u32, 1>;
@group(0) @binding(2) var<storage, read_write> b1: array<f32, 1>;
@group(0) @binding(3) var<storage, read> b2: array<f32, 1>;
@group(0) @binding(4) var<storage, read_write> b3: array<f32, 1>;
@group(0) @binding(5) var<storage, read> b4: array<f32, 1>;

@compute @workgroup_size(16, 1, 1)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
  let p0 = bitcast<f32>(words[0].x);
  let v0 = (i32(workgroup.x) * 16i) + i32(lane.x);
  if (v0 < 1i) {
    let v1 = min(v0, 0i);
    let v2 = (b0[0i] != 0u);
    let v3 = b1[0i];
    let v4 = b2[0i];
    let v5 = b3[0i];
    let v6 = b4[0i];
    b1[0i] = select(v3, v3 + (v4 * p0), v2);
    b3[0i] = select(v5, v5 + (v6 * p0), v2);
  }
}
